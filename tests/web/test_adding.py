"""The page that adds items to a queue: pasted ids, files, filters."""

import json
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import override_settings

from modelhub.queues.models import Item, Queue
from modelhub.sources.models import Source
from tests.factories import LabelFactory, ScoreFactory, SourceFactory
from tests.web.pages import html_of, log_in
from tests.web.queue_team import Team, sentences

pytestmark = pytest.mark.django_db

EXTERNAL_NAME = '../../<img src=x onerror="alert(1)">.csv'


@pytest.fixture
def team() -> Team:
    return Team()


def post(team: Team, action: str, *, role: str = "admin", **fields: Any) -> Any:
    return log_in(getattr(team, role)).post(f"{team.path}add/", {"action": action, **fields})


def upload(team: Team, content: str | bytes, *, role: str = "admin", source_type: str = "trace") -> Any:
    data = content.encode() if isinstance(content, str) else content
    file = SimpleUploadedFile(EXTERNAL_NAME, data, content_type="text/html")
    return post(team, "file", role=role, file=file, source_type=source_type)


def ids_of(team: Team) -> list[str]:
    items = Item.objects.filter(queue=team.queue, deleted_at=None).order_by("order")
    return list(items.values_list("source__source_id", flat=True))


def errors_of(response: Any) -> list[str]:
    found = re.findall(r"<li><bdi>(.*?)</bdi></li>", html_of(response))
    return [one.replace("&quot;", '"').replace("&#x27;", "'") for one in found]


def content_of(source_id: str) -> Any:
    return Source.objects.values_list("content", flat=True).get(source_id=source_id)


# Ids


def test_pasted_ids_of_registered_sources_are_added_in_their_order(team: Team) -> None:
    for name in ("a", "b"):
        SourceFactory.create(organization=team.queue.organization, source_id=name)
    answer = post(team, "ids", source_type="trace", ids=" b \r\n\r\na\r\n")
    assert answer["Location"] == team.path
    assert sentences(answer) == ["2 items added."]
    assert ids_of(team) == ["b", "a"]
    again = post(team, "ids", source_type="trace", ids="a\nb\na")
    assert sentences(again)[-1] == "No item added, 3 were in the queue already."


def test_unknown_ids_are_named_by_their_lines_and_the_others_are_added(team: Team) -> None:
    SourceFactory.create(organization=team.queue.organization, source_id="a")
    SourceFactory.create(organization=team.foreigner.organization, source_id="foreign")
    answer = post(team, "ids", source_type="trace", ids="a\nforeign\n\nc d")
    assert answer.status_code == 200
    assert ids_of(team) == ["a"]
    first, second = errors_of(answer)
    assert first == "Line 2: no source has this id; tick “Register unknown ids” to register it"
    assert second.startswith('Line 4: an id must be a string of 1 to 255 visible characters, got "c d"')
    # Nothing typed is lost.
    assert "foreign\n\nc d</textarea>" in html_of(answer).replace("\r", "")


def test_unknown_ids_are_registered_on_request(team: Team) -> None:
    answer = post(team, "ids", role="manager", source_type="span", ids="x\ny\nx", register="on")
    assert sentences(answer) == ["2 items added, 1 was in the queue already."]
    assert set(Source.objects.values_list("source_type", "source_id")) == {("span", "x"), ("span", "y")}


@override_settings(AUTO_CREATE_SOURCES=True)
def test_a_server_that_registers_unknown_sources_does_so_here(team: Team) -> None:
    assert sentences(post(team, "ids", source_type="trace", ids="x")) == ["1 item added."]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"ids": "  \n ", "source_type": "trace"}, "The ids must have at least one id, one per line"),
        ({"ids": "x\n" * 20_001, "source_type": "trace"}, "The ids must have at most 20000 lines, got more"),
    ],
)
def test_unusable_ids_are_refused_with_a_sentence(team: Team, fields: dict[str, str], sentence: str) -> None:
    answer = post(team, "ids", **fields)
    assert answer.status_code in {400, 413}
    assert sentence in html_of(answer)
    assert 'aria-invalid="true"' in html_of(answer)


def test_long_ids_are_not_repeated_in_the_answer(team: Team) -> None:
    for number, is_repeated in ((1000, True), (1100, False)):
        answer = post(team, "ids", source_type="trace", ids=f"{'x' * 254}\n" * number + "unknown")
        page = html_of(answer)
        assert ("unknown</textarea>" in page, "go back in your browser" in page) == (is_repeated, not is_repeated)
        assert len(page) < 500_000


def test_more_ids_than_one_request_of_the_api_are_added(team: Team) -> None:
    names = [f"t{number}" for number in range(2500)]
    assert sentences(post(team, "ids", source_type="trace", ids="\n".join(names), register="on")) == [
        "2500 items added."
    ]
    assert ids_of(team) == names


# Files


def test_a_csv_registers_sources_with_their_content(team: Team) -> None:
    table = (
        "\ufeffsource_type,source_id,name,content\r\n"
        'span,s1,First,"A text, with\na line end"\r\n'
        '\r\n,s2,,"{""messages"": [{""role"": ""user"", ""content"": ""Hi""}]}"\r\n'
        "trace,s3,'=SUM(1),\r\n"
    )
    answer = upload(team, table.replace("\r\n,s2", "\r\ntrace,s2"))
    assert sentences(answer) == ["3 items added."]
    assert ids_of(team) == ["s1", "s2", "s3"]
    assert content_of("s1") == "A text, with\na line end"
    assert content_of("s2") == {"messages": [{"role": "user", "content": "Hi"}]}
    assert content_of("s3") is None
    assert Source.objects.get(source_id="s3").name == "=SUM(1)"
    assert Source.objects.get(source_id="s1").source_type == "span"


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e"])
def test_only_line_ends_of_csv_end_a_row(team: Team, mark: str) -> None:
    table = f'source_id,input\r\ns1,before{mark}after\ns2,"quoted{mark}text\rin\r\nlines"\rs3,old\nb c,wrong\n'
    assert [one.split(":")[0] for one in errors_of(upload(team, table))] == ["Line 7"]
    assert ids_of(team) == ["s1", "s2", "s3"]
    assert content_of("s1") == {"input": f"before{mark}after"}
    assert content_of("s2") == {"input": f"quoted{mark}text\rin\r\nlines"}
    assert errors_of(post(team, "ids", source_type="trace", ids=f"s1{mark}s2"))[0].startswith("Line 1: an id must be")


@pytest.mark.parametrize("first", ["sep=;\r\n", '"sep=;"\n', "\ufeffSEP=;\n"])
def test_the_first_line_of_spreadsheets_may_name_the_separator(team: Team, first: str) -> None:
    answer = upload(team, f"{first}source_id;a,b,c,d\ns1;Hi\nb c;wrong\n")
    assert [one.split(":")[0] for one in errors_of(answer)] == ["Line 4"]
    assert (ids_of(team), content_of("s1")) == (["s1"], {"a,b,c,d": "Hi"})


@pytest.mark.parametrize(
    "table",
    [
        "source_id,input,,,\ns1,Hi,,,\n,,,,\ns2,Ho, ,,\n",
        "source_id;input;\ns1;Hi;\ns2;Ho;\n",
        "source_id,,input\ns1,,Hi\ns2,,Ho\n",
        "\ufeffsource_id\tinput\t\ns1\tHi\ns2\tHo\t\t\n",
    ],
)
def test_blank_columns_of_spreadsheets_are_ignored(team: Team, table: str) -> None:
    assert sentences(upload(team, table)) == ["2 items added."]
    assert (content_of("s1"), content_of("s2")) == ({"input": "Hi"}, {"input": "Ho"})


def test_a_value_in_a_column_without_a_name_is_an_error_of_its_line(team: Team) -> None:
    answer = upload(team, "source_id,,input\ns1,lost,Hi\ns2,,Ho,lost\ns3,,He\n")
    assert errors_of(answer) == [
        'Line 2: "lost" is in a column that the first line does not name',
        "Line 3: it must have 3 columns, got 4",
    ]
    assert ids_of(team) == ["s3"]


def test_other_columns_are_the_content(team: Team) -> None:
    upload(team, 'source_id;input;output\ns1;Where?;"{""a"": 1}"\ns2;Only;\n', source_type="generation")
    assert content_of("s1") == {"input": "Where?", "output": {"a": 1}}
    assert content_of("s2") == {"input": "Only"}
    assert Source.objects.get(source_id="s1").source_type == "generation"


def test_columns_beside_a_content_are_metadata(team: Team) -> None:
    upload(team, "source_id,content,model\ns1,Text,small\n")
    assert content_of("s1") == "Text"
    assert Source.objects.get(source_id="s1").metadata == {"model": "small"}


def test_json_lines_register_sources_with_their_content(team: Team) -> None:
    lines = [
        {
            "source_type": "session",
            "source_id": "s1",
            "content": {"input": 1.50, "output": "\u2028"},
            "metadata": {"a": 1},
        },
        {"sourceId": "s2", "messages": [{"role": "user", "content": "Hi"}]},
    ]
    answer = upload(team, "\n".join(json.dumps(line, ensure_ascii=False) for line in lines))
    assert sentences(answer) == ["2 items added."]
    assert content_of("s1")["output"] == "\u2028"
    assert content_of("s2") == {"messages": [{"role": "user", "content": "Hi"}]}


def test_wrong_lines_are_named_and_the_others_are_added(team: Team) -> None:
    lines = [
        '{"source_id": "good"}',
        "{broken",
        "[1]",
        '{"source_id": "a b"}',
        '{"source_type": "car", "source_id": "c"}',
        '{"name": "no id"}',
        '{"source_id": "good", "content": "again"}',
        json.dumps({"source_id": "large", "content": "x" * 300_000}),
        '{"source_id": "last"}',
    ]
    answer = upload(team, "\n".join(lines))
    assert answer.status_code == 200
    assert ids_of(team) == ["good", "last"]
    assert "2 items added. 7 lines with errors" in html_of(answer)
    found = errors_of(answer)
    assert [one.split(":")[0] for one in found] == [f"Line {number}" for number in range(2, 9)]
    assert "it is not valid JSON at character 2" in found[0]
    assert "it must be a JSON object, got [1]" in found[1]
    assert "source_type must be one of" in found[3]
    assert found[5] == "Line 7: line 1 names the same source"


def test_wrong_rows_of_csv_are_named_by_their_lines(team: Team) -> None:
    answer = upload(team, 'source_id,content\ns1,"two\nlines"\nb c,x\ns2,a,b\ns3,"open')
    assert ids_of(team) == ["s1"]
    found = errors_of(answer)
    assert [one.split(":")[0] for one in found] == ["Line 4", "Line 5", "Line 6"]
    assert found[1] == "Line 5: it must have 2 columns, got 3"
    assert "the CSV cannot be read from here on" in found[2]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The submitted file is empty|file must be|at least one line"),
        (b"  \n", "The file must have at least one line"),
        (b"name,content\nx,y\n", "whose first line names its columns, among them source_id"),
        (b"source_id,a,a\nx,y,z\n", "must name each column once, got &quot;a&quot; twice"),
        (b'[{"source_id": "x"}]', "The file is a JSON list"),
        (
            "source_id\nä\n".encode("latin-1"),
            "The file must be UTF-8, and line 2 is not; spreadsheets have it",
        ),
        *[("source_id\nx\n".encode(form), "got UTF-16") for form in ("utf-16", "utf-16-le", "utf-16-be")],
        (b"PK\x03\x04", "got a zip file or a workbook"),
        (b"source_id\n" + b"x\n" * 20_001, "at most 20000 lines"),
    ],
)
def test_an_unusable_file_is_refused_with_a_sentence(team: Team, content: bytes, sentence: str) -> None:
    answer = upload(team, content)
    assert answer.status_code in {400, 413}
    assert re.search(sentence, html_of(answer))
    assert Item.objects.count() == 0


def test_the_name_of_a_file_is_not_used(team: Team) -> None:
    page = html_of(upload(team, "nonsense"))
    assert "onerror" not in page
    assert "upload" not in {item.source.name for item in Item.objects.all()}


def test_a_form_without_a_file_is_refused(team: Team) -> None:
    answer = post(team, "file", source_type="trace")
    assert answer.status_code == 400
    assert "The file must be a file of JSON lines or CSV" in html_of(answer)


@override_settings(MAX_BODY_BYTES=10_000)
def test_a_file_above_the_limit_is_refused(team: Team) -> None:
    assert upload(team, b"source_id\n" + b"x" * 9_000).status_code == 200
    assert upload(team, b"source_id\n" + b"x" * 10_000).status_code == 413


def test_admins_update_sources_by_a_file_and_managers_only_add_them(team: Team) -> None:
    line = '{"source_id": "known", "name": "New name", "content": "new"}'
    upload(team, '{"source_id": "known", "name": "Old name", "content": "old"}')
    other = Team(Queue.objects.create(organization=team.queue.organization, created_by=team.admin, name="Other"))
    answer = upload(other, line, role="manager")
    assert sentences(answer) == ["1 item added, 1 registered source kept name and content, which only admins change."]
    assert (Source.objects.get().name, content_of("known")) == ("Old name", "old")
    upload(team, line)
    assert (Source.objects.get().name, content_of("known")) == ("New name", "new")


def test_content_of_a_file_is_never_markup(team: Team) -> None:
    answer = upload(team, '{"source_id": "<script>alert(1)</script> x"}')
    assert "<script>alert" not in html_of(answer)
    assert len(errors_of(answer)) == 1


@pytest.mark.parametrize(("role", "status"), [("reviewer", 403), ("annotator", 403), ("foreigner", 404)])
@pytest.mark.parametrize("action", ["ids", "file", "filter"])
def test_only_managers_add_items(team: Team, action: str, role: str, status: int) -> None:
    SourceFactory.create(organization=team.queue.organization, source_id="a")
    if action == "file":
        answer = upload(team, "source_id\nx\n", role=role)
    else:
        answer = post(team, action, role=role, source_type="trace", ids="a")
    assert answer.status_code == status
    assert Item.objects.count() == 0


@override_settings(MAX_BODY_BYTES=10_000)
def test_the_file_of_a_person_without_the_right_is_not_read(team: Team) -> None:
    assert upload(team, b"x" * 20_000, role="reviewer").status_code == 403


def test_a_form_needs_its_token(team: Team) -> None:
    client = log_in(team.admin, enforce_csrf_checks=True)
    file = SimpleUploadedFile("a.csv", b"source_id\nx\n")
    fields = {"action": "file", "source_type": "trace", "file": file}
    assert client.post(f"{team.path}add/", fields).status_code == 403
    assert Item.objects.count() == 0
    page = html_of(client.get(f"{team.path}add/"))
    [token, *_] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    file.seek(0)
    answer = client.post(f"{team.path}add/", fields | {"csrfmiddlewaretoken": token})
    assert answer["Location"] == team.path
    assert ids_of(team) == ["x"]


def test_other_forms_of_pages_refuse_files(team: Team) -> None:
    client = log_in(team.admin)
    for path in ("/queues/new/", f"{team.path}edit/", f"{team.path}items/", team.path):
        answer = client.post(path, {"file": SimpleUploadedFile("a.csv", b"x")})
        assert answer.status_code == 400
        assert "Files are not accepted" in html_of(answer)


def test_a_visitor_is_sent_to_the_login_before_the_file_is_read(team: Team) -> None:
    client = log_in(team.admin)
    client.logout()
    answer = client.post(f"{team.path}add/", {"action": "file", "file": SimpleUploadedFile("a.csv", b"x")})
    assert answer["Location"].startswith("/login/")


# Filters


def test_a_filter_counts_before_it_adds(team: Team) -> None:
    label = LabelFactory.create(organization=team.queue.organization)
    scored, *others = SourceFactory.create_batch(4, organization=team.queue.organization, source_type="span")
    SourceFactory.create(organization=team.queue.organization)
    SourceFactory.create(organization=team.foreigner.organization, source_type="span")
    ScoreFactory.create(source=scored, label=label)
    Item.objects.create(organization=team.queue.organization, queue=team.queue, source=others[0], order=1)
    client = log_in(team.manager)
    query = {"source_type": "span", "scored": "false", "label_id": str(label.pk), "count": "1"}
    page = html_of(client.get(f"{team.path}add/", query))
    assert "2 new sources match." in page
    assert "1 more is in the queue already." in page
    assert "Add 2 items" in page
    assert Item.objects.count() == 1
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.split("counted")[1]))
    answer = client.post(f"{team.path}add/", hidden | {"action": "filter"})
    assert sentences(answer) == ["2 items added, 1 was in the queue already."]
    assert Item.objects.count() == 3


def test_a_filter_by_metadata_time_and_limit(team: Team) -> None:
    for model in ("small", "small", "large"):
        SourceFactory.create(organization=team.queue.organization, metadata={"model": model})
    client = log_in(team.admin)
    for query, number in (
        ({"metadata": '{"model": "small"}'}, 2),
        ({"metadata": '{"model": "small"}', "limit": "1"}, 1),
        ({"registered_after": "2020-01-01"}, 3),
        ({"registered_before": "2020-01-01"}, 0),
    ):
        page = html_of(client.get(f"{team.path}add/", query | {"count": "1"}))
        assert f"{number} new source" in page


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {},
            "The filter must have at least one of Type, Registered from, Registered before, Label, Scores",
        ),
        ({"scored": "true"}, "Label must be given with Scores"),
        ({"source_type": "car"}, "Type must be one of"),
        ({"limit": "-1"}, "“At most” must be a whole number from 1 to 100000"),
        ({"metadata": "model: small"}, "Metadata must be an object of strings"),
        ({"label_id": "019ac4f1-5e2a-7c90-8d13-2b3c4d5e6f70"}, "Label not found"),
    ],
)
def test_an_unusable_filter_is_refused_with_a_sentence(team: Team, fields: dict[str, str], sentence: str) -> None:
    client = log_in(team.admin)
    counted = client.get(f"{team.path}add/", fields | {"count": "1"})
    added = client.post(f"{team.path}add/", fields | {"action": "filter"})
    for answer in (counted, added):
        assert answer.status_code in {400, 404}
        # Below the fields of the filter, where the page opens.
        assert sentence in html_of(answer).split('id="filter"')[-1]
