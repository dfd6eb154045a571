"""Results in Chromium: parts that load by themselves, print, files, and the console."""

import uuid
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from tests.servers import Server
from tests.web.conftest import Visitors
from tests.web.people import Person


def test_results_load_their_parts_print_and_hold_hostile_names(
    server: Server, visitors: Visitors, person: Callable[..., Person]
) -> None:
    def call(method: str, path: str, **body: Any) -> Any:
        answer = server.request(method, f"/model-hub/{path}", json=body or None)
        assert answer.ok, answer.text
        return answer.json()

    options = [{"label": name} for name in ("<img src=x onerror=alert(1)>", "\u05e9\u05dc\u05d5\u05dd " * 20, "fine")]
    made = {"name": f"<script>alert(1)</script> {uuid.uuid4()}", "settings": {"options": options}}
    label = call("POST", "annotations-labels/", type="categorical", **made)["result"]["id"]
    queue = call("POST", "annotation-queues/", name=f"<b>{'x' * 150}", label_ids=[label])["id"]
    sources = [{"source_type": "trace", "source_id": f"results-{at}"} for at in range(4)]
    call("POST", "sources/bulk/", sources=sources)
    call("POST", f"annotation-queues/{queue}/items/add-items/", items=sources)
    for number, annotator in enumerate((person("ann"), person("ben"))):
        for at, item in enumerate(call("GET", f"annotation-queues/{queue}/items/")["results"]):
            scores = [{"label_id": label, "value": options[(at + number * (at == 1)) % 3]["label"]}]
            path = f"annotation-queues/{queue}/items/{item['id']}/annotations/import/"
            call("POST", path, annotator_email=annotator.email, annotations=scores)
    for width, scheme in ((1440, "light"), (320, "dark")):
        page = visitors.log_in(
            path=f"/queues/{queue}/results/", viewport={"width": width, "height": 800}, color_scheme=scheme
        )
        expect(page.locator("#agreement")).to_contain_text("Krippendorff's alpha")
        expect(page.locator("#disagreements tbody tr")).to_have_count(1)
        expect(page.get_by_role("img", name="Items by status")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation", name="Main")).to_be_hidden()
    expect(page.locator("figure table").first).to_be_visible()
    page.emulate_media(media="screen")
    page.locator("summary", has_text="Table").first.click()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV: Items by status").click()
    assert download.value.suggested_filename == f"queue_{queue}_statuses.csv"
    page.locator("#disagreements tbody a").click()
    page.wait_for_url("**/review/**")
