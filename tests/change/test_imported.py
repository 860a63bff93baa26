"""What every importer returns: a file that loads or an error that says why not, and a place for each note."""

from piranha.change.imported import NOTES_LIMIT, Draft, Origin, failure, quoted
from piranha.lvscf.diagnostics import Severity
from piranha.lvscf.elaborate_check import unescape

WHOLE = Origin("old.conf")


def test_a_finding_about_the_result_is_a_note_at_the_line_it_comes_from() -> None:
    draft = Draft(WHOLE)
    draft.put("virtual www {", Origin("old.conf", 7))
    draft.put("    scheduler = wlcc", Origin("old.conf", 9))
    draft.put("}")

    imported = draft.finish()

    (note,) = (note for note in imported.notes if "wlcc" in note.message)
    assert imported.has_errors
    assert note.render("lvs.cf").startswith("old.conf:9: error: unknown scheduler 'wlcc'")
    assert note.render("lvs.cf").endswith("[E014] (lvs.cf:2)")


def test_notes_stand_in_the_order_of_the_source() -> None:
    draft = Draft(WHOLE)
    draft.warn(Origin("old.conf", 30), "later")
    draft.warn(Origin("old.conf", 4), "sooner")
    draft.warn(WHOLE, "the file")

    assert [note.message for note in draft.finish().notes] == ["the file", "sooner", "later"]


def test_a_flood_of_warnings_does_not_hide_the_error() -> None:
    draft = Draft(WHOLE)
    for line in range(1, NOTES_LIMIT * 3):
        draft.warn(Origin("old.conf", line), "noise")
    draft.fail(Origin("old.conf", NOTES_LIMIT * 3), "matters")

    notes = draft.finish().notes

    assert len(notes) == NOTES_LIMIT + 1
    assert [note.message for note in notes if note.severity is Severity.ERROR] == ["matters"]
    assert notes[-1].message == f"{NOTES_LIMIT * 2} more notes are not shown"


def test_a_source_of_which_nothing_can_be_made_is_one_error_and_no_text() -> None:
    imported = failure(WHOLE, "no end of \x1b[2J", 3)

    assert (imported.text, imported.has_errors) == ("", True)
    assert [note.render() for note in imported.notes] == [r"old.conf:3: error: no end of \x1b[2J"]


def test_a_quoted_text_is_read_as_it_was_meant() -> None:
    for text in ("GET / HTTP/1.0\r\n\r\n", 'say "x"\\n', "tab\there", "", "plain"):
        assert unescape(quoted(text)[1:-1]).decode() == text
