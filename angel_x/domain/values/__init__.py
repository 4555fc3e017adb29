"""Values that everything else is made of: money, moments, dated tables, random draws."""
