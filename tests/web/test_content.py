"""The content of sources: conversations, texts, trees, limits, and nothing that runs."""

import re
import time
from typing import Any

import msgspec
import pytest
from django.template.loader import render_to_string

from modelhub.core import exact_json
from modelhub.web.content import MAX_DEEP_TEXT, MAX_ENTRIES, MAX_ROWS, Content, Row, describe_content
from modelhub.web.links import MAX_LINKS, MAX_PAGE_LINKS

TREE = {"model": "m-1", "steps": [{"tool": "search", "ms": 12.50}, {"tool": "answer", "ok": True}], "cost": None}


def describe(content: object, metadata: object = None) -> Content:
    return describe_content(content, metadata)


def rendered(content: object, metadata: object = None) -> str:
    names = {"source_type": "trace", "source_id": "https://example.com/1", "source_name": "Call"}
    return render_to_string("web/content_source.html", {"content": describe(content, metadata), **names})


def shown(rows: list[Row]) -> list[tuple[str, str, str]]:
    return [(row.kind, row.key, row.text) for row in rows]


def test_messages_are_a_conversation() -> None:
    content = {
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "Human", "name": "ada", "content": [{"type": "text", "text": "Hi"}, "again"]},
            {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "find"}}]},
            {"role": "critic", "content": ""},
        ]
    }
    [section] = describe(content).sections
    assert section.title == "Conversation"
    assert [(message.role, message.style, message.name) for message in section.messages] == [
        ("system", "system", ""),
        ("Human", "user", "ada"),
        ("assistant", "assistant", ""),
        ("critic", "other", ""),
    ]
    assert [[part.text for part in message.parts] for message in section.messages] == [
        ["Be kind."],
        ["Hi", "again"],
        [""],
        [],
    ]
    [calls] = section.messages[2].parts
    assert calls.title == "tool calls"
    assert shown(calls.rows) == [
        ("open", "0", "1 key"),
        ("open", "function", "1 key"),
        ("value", "name", "find"),
        ("close", "", ""),
        ("close", "", ""),
    ]


def test_a_part_that_is_no_text_is_a_tree_with_its_type() -> None:
    part = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    [section] = describe([{"role": "user", "content": [part]}]).sections
    [shown_part] = section.messages[0].parts
    assert shown_part.title == "image url"
    assert ("value", "url", "https://example.com/a.png") in shown(shown_part.rows)


def test_input_and_output_come_first_and_other_keys_follow() -> None:
    content = {
        "latency": 3,
        "output": {"role": "assistant", "content": "4"},
        "input": [{"role": "user", "content": "2+2?"}],
    }
    sections = describe(content).sections
    assert [section.title for section in sections] == ["Input", "Output", "More"]
    assert [message.parts[0].text for section in sections[:2] for message in section.messages] == ["2+2?", "4"]
    assert shown(sections[2].rows) == [("value", "latency", "3")]


def test_text_stays_text() -> None:
    [section] = describe("Line 1\nLine 2").sections
    assert (section.title, section.text) == ("", "Line 1\nLine 2")


def test_other_json_is_a_tree_with_exact_numbers() -> None:
    raw = msgspec.Raw(b'{"a": 12345678901234567890123.10, "b": {"c": [true, null]}, "d": {}}')
    [section] = describe(raw).sections
    assert shown(section.rows) == [
        ("value", "a", "12345678901234567890123.10"),
        ("open", "b", "1 key"),
        ("open", "c", "2 entries"),
        ("value", "0", "true"),
        ("value", "1", "null"),
        ("close", "", ""),
        ("close", "", ""),
        ("value", "d", "{}"),
    ]


def test_scalars_and_empty_containers_are_text() -> None:
    values: list[object] = [0, False, [], {}, ""]
    assert [describe(value).sections[0].text for value in values] == ["0", "false", "[]", "{}", ""]


def test_a_source_without_content_names_itself_without_a_link() -> None:
    page = rendered(None)
    assert "This source has no content here" in page
    assert "https://example.com/1" in page
    assert "<a" not in page


def test_long_lists_are_cut_with_the_number_that_is_left_out() -> None:
    content = {"many": list(range(5000)), "after": 1}
    described = describe(content)
    rows = described.sections[0].rows
    assert shown(rows)[MAX_ENTRIES + 1 :] == [("more", "", "4,800"), ("close", "", ""), ("value", "after", "1")]
    assert exact_json.loads(described.whole) == content
    assert "…, 4,800 more" in rendered(content)


def test_a_page_has_a_bounded_number_of_rows() -> None:
    content = [[{"k": at} for at in range(150)] for _ in range(150)]
    rows = describe(content).sections[0].rows
    assert len([row for row in rows if row.kind in ("value", "open")]) == MAX_ROWS
    messages: Any = [{"role": "user", "content": str(at)} for at in range(3000)]
    [section] = describe(messages).sections
    assert len(section.messages) + section.more == 3000
    assert len(section.messages) <= MAX_ROWS
    assert "more</li>" in rendered(messages)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"content": [{}] * 85_000}, "parts"),
        ({"content": [""] * 85_000}, "parts"),
        ({"content": "Hi", **{f"key {at}": at for at in range(24_000)}}, "keys"),
    ],
)
def test_parts_and_keys_of_one_message_are_bounded(message: dict[str, Any], words: str) -> None:
    content = [{"role": "user", **message}]
    [shown_message] = describe(content).sections[0].messages
    assert len(shown_message.parts) <= MAX_ROWS
    [more] = shown_message.parts[-1].rows
    assert (more.kind, more.key) == ("more", words)
    page = rendered(content)
    assert f"…, {more.text} more {words}" in page
    assert "All of it as JSON" in page


def test_deep_values_are_cut_text() -> None:
    content: Any = "x" * 5000
    for _ in range(60):
        content = [content]
    described = describe(content)
    [deep] = [row for row in described.sections[0].rows if row.type == "json"]
    assert len(deep.text) == MAX_DEEP_TEXT + 1
    assert described.whole


def test_content_that_is_shown_whole_has_no_second_copy() -> None:
    assert describe(TREE).whole == ""


def test_metadata_is_a_table_with_a_bounded_number_of_rows() -> None:
    metadata = {"a": "text", "b": {"c": [1]}, **{f"k{at}": "y" * 2000 for at in range(200)}}
    rows = describe(None, metadata).metadata
    assert rows[:2] == [("a", "text"), ("b", '{"c":[1]}')]
    assert (len(rows), rows[-1]) == (101, ("…", "102 more"))
    assert len(rows[2][1]) == 1001


def test_addresses_in_content_are_links_and_nothing_else_is() -> None:
    rel = 'target="_blank" rel="noopener noreferrer nofollow"'
    link = f'<a href="https://example.com/a?b=1&amp;c=(2" {rel}>https://example.com/a?b=1&amp;c=(2</a>)'
    url = "See (https://example.com/a?b=1&c=(2)) or http:// now."
    contents: list[Any] = [url, {"deep": {"url": url}}, [{"role": "user", "content": url}]]
    for content in contents:
        page = rendered(content)
        assert page.count("<a ") == 1
        assert link in page
    evil = 'javascript://x%0aalert(1) data://x ftp://x http://a"onclick=alert(1) https://<b> HTTPS://X'
    page = rendered(evil)
    assert re.findall('<a href="([^"]*)"', page) == ["http://a"]
    assert "onclick" not in " ".join(re.findall("<[^>]*>", page))
    assert rendered("http://a.b/\u202egpj.exe").count('href="http://a.b/"') == 1


def test_links_are_bounded_per_text_and_per_page_and_the_rest_is_text() -> None:
    assert rendered("http://a.b/ " * 5000).count("<a ") == MAX_LINKS
    page = rendered([{"role": "user", "content": "http://a " * 28} for _ in range(400)])
    assert page.count("<a ") == MAX_PAGE_LINKS
    assert page.count("http://a") == 400 * 28 + MAX_PAGE_LINKS


def test_nothing_in_content_becomes_html() -> None:
    evil = '<script>alert(1)</script><img src=x onerror="alert(2)">'
    contents: list[Any] = [
        evil,
        {evil: evil, "n": {evil: [evil]}},
        [{"role": evil, "name": evil, "content": [evil, {"type": evil, "url": evil}], evil: evil}],
        {"input": evil, "output": {"messages": [{"role": "user", "content": evil}]}, evil: 1},
    ]
    for content in contents:
        page = rendered(content, {evil: evil})
        assert "<script" not in page
        assert "<img" not in page
        assert "&lt;script&gt;" in page


def test_large_content_is_described_quickly() -> None:
    contents: list[Any] = [
        "a" * 250_000,
        "https://" * 32_000,
        "https://example.com/a " * 11_000,
        [{"role": "user", "content": "http://a " * 28} for _ in range(880)],
        {f"key {at}": "v" * 20 for at in range(8000)},
        [[[{"a": [at, at]}]] for at in range(12_000)],
        [{"role": "user", "content": "b" * 50} for _ in range(2500)],
        [{"role": "user", "content": [{}] * 85_000}],
        [{"role": "user", "content": "b", **{f"key {at}": at for at in range(24_000)}}],
    ]
    for content in contents:
        raw = msgspec.Raw(exact_json.encode(content))
        rendered(raw)
        began = time.process_time()
        rendered(raw)
        assert time.process_time() - began < 0.5
