"""Reviews: written, listed and shown from the audit."""

from __future__ import annotations

from angel_x.bootstrap import Application
from tests.builders.shells import Shell


def test_a_review_is_written_found_and_shown(
    application: Application, environ: dict[str, str]
) -> None:
    shell = Shell(environ)

    missing = shell.run("reports", "show", "weekly")
    written = shell.json("reports", "write", "weekly")
    shown = shell.json("reports", "show", "weekly")
    listed = shell.json("reports")["reviews"]
    people = shell.run("reports", "show", "weekly")

    assert missing.exit_code == 1
    assert "reports write weekly" in missing.stderr
    assert written == shown == listed[0]
    assert shown["times_ms"]["commit"] > 0
    assert "orders" in {table["name"] for table in shown["tables"]}
    # The servers of the tests count no statements.
    assert "pg_stat_statements" in shown["hints"][0]
    for words in ("round trip to the cache", "Largest tables", "Hint: "):
        assert words in people.stdout
    assert "weekly" in shell.run("reports").stdout
    assert application.operations.reviews.newest()[0].kind == "weekly"
