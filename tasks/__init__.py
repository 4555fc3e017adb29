from __future__ import annotations

from angel_x.adapters.installation import check_packages

# Before any module of this package looks for one that another project may have as well.
check_packages()
