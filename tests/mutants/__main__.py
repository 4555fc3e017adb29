"""Plant single wrong changes in the product and see which of them the tests notice."""

from __future__ import annotations

from pathlib import Path

import click

from tests.mutants import report
from tests.mutants.areas import AREAS
from tests.mutants.catalog import catalog, sample
from tests.mutants.measuring import measure
from tests.mutants.mutant import Mutant
from tests.mutants.planting import Finding, Outcome, Planting
from tests.mutants.selection import Measured, Selection, tests_of

ROOT = Path(__file__).resolve().parents[2]
#: What has been measured and found; removed, everything begins anew.
FOLDER = ROOT / "build/mutants"


@click.command()
@click.option("--sample", "size", default=60, show_default=True, help="Changes to plant.")
@click.option("--seed", default=1, show_default=True, help="Seed of the sample.")
@click.option("--area", type=click.Choice([a.name for a in AREAS]), help="Plant in this area only.")
@click.option("--name", "names", multiple=True, help="Plant this change only; may be repeated.")
@click.option("--trees", default=2, show_default=True, help="Changes planted at a time.")
@click.option("--wider/--no-wider", default=True, help="Run tests with processes for survivors.")
@click.option("--again", is_flag=True, help="Plant again what was not noticed before.")
@click.option("--tests-of", "revision", help="Run the tests alone that a revision has.")
@click.option("--measure", "anew", is_flag=True, help="Measure the suite anew.")
def main(
    size: int,
    seed: int,
    area: str | None,
    names: tuple[str, ...],
    trees: int,
    wider: bool,  # noqa: FBT001 - an option of the command
    again: bool,  # noqa: FBT001
    revision: str | None,
    anew: bool,  # noqa: FBT001
) -> None:
    """Plant changes; go on where the run before with the same seed was stopped."""
    measured = FOLDER / "measured.json"
    if anew or not measured.is_file():
        measure(ROOT, FOLDER)
    planted = _planted(size, seed, area, names)
    allowed = tests_of(ROOT, revision) if revision else None
    results = FOLDER / f"seed-{seed}{'-of-' + revision if revision else ''}.jsonl"
    # An equivalent change takes longest, since every test of it passes, and says nothing.
    idle = report.equivalents()
    known = {
        name: finding
        for name, finding in Finding.read(results).items()
        if name in idle or not (again and finding.outcome == Outcome.UNNOTICED)
    }
    left = [(where, one) for where, one in planted if one.name not in known]
    click.echo(f"{len(planted)} changes, {len(left)} of them to be planted; results in {results}")
    if left:
        selection = Selection(ROOT, Measured.read(measured), allowed)
        for finding in known.values():
            selection.learn(finding.path, finding.place, finding.test)
        planting = Planting(ROOT, selection, results, trees=trees, wider=wider)
        try:
            planting.run(left, _tell)
        finally:
            planting.close()
    found = Finding.read(results)
    _conclude([found[one.name] for _, one in planted])


def _planted(
    size: int, seed: int, area: str | None, names: tuple[str, ...]
) -> list[tuple[str, Mutant]]:
    changes = catalog(ROOT)
    if names:
        return [(where, m) for where, all_ in changes.items() for m in all_ if m.name in names]
    return sample(changes, size, seed, area)


def _tell(finding: Finding) -> None:
    noticed = f"{finding.stage} {finding.test}" if finding.stage else ""
    click.echo(f"{finding.outcome:9} {finding.name} {finding.path}:{finding.line} {noticed}")
    if finding.outcome == Outcome.UNNOTICED:
        click.echo(f"          - {finding.before}\n          + {finding.after}")


def _conclude(findings: list[Finding]) -> None:
    reasons = report.equivalents()
    click.echo("\n" + report.table(findings, reasons))
    if missed := report.unnoticed(findings, reasons):
        click.echo("\nNot noticed:\n" + missed)


if __name__ == "__main__":
    main()
