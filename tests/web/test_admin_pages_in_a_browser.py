"""The pages of admins in Chromium: navigation, labels, people and keys."""

from playwright.sync_api import expect

from tests.web.conftest import Visitors

STORAGES = ("localStorage", "sessionStorage")


def test_a_person_logs_in_looks_around_and_logs_out(visitors: Visitors) -> None:
    page = visitors.log_in()
    for name in ("Queues", "Labels", "Sources", "People and keys", "My work"):
        page.get_by_role("navigation", name="Main").get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(name)
    own = page.locator("[data-drafts]").get_attribute("data-drafts")
    for storage in STORAGES:
        page.evaluate(f"([one, other]) => {{ {storage}[one] = {storage}[other] = 'typed' }}", [f"{own}x", "other"])
    page.locator(".menu summary").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("link", name="Log in")).to_be_visible()
    assert [page.evaluate(f"Object.keys({storage})") for storage in STORAGES] == [["other"], ["other"]]
    # Neither the browser's cache nor its memory shows the page of a person that is gone.
    for _ in range(2):
        page.go_back()
        expect(page.get_by_role("navigation", name="Main")).to_have_count(0)
        expect(page.get_by_role("link", name="Log in").or_(page.get_by_role("button", name="Log in"))).to_be_visible()


def test_a_person_creates_a_key_copies_it_and_revokes_it(visitors: Visitors) -> None:
    page = visitors.log_in(path="/keys/", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_label("Name").fill("Laptop <b>")
    page.get_by_label("annotate").check()
    page.get_by_role("button", name="Create API key").click()
    page.get_by_role("button", name="Copy secret key").click()
    expect(page.locator("#status")).to_contain_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == page.get_by_label("Secret key", exact=True).input_value()
    page.get_by_role("link", name="Laptop <b>").click()
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("valid")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("revoked")


def test_an_admin_invites_a_person_who_chooses_a_password(visitors: Visitors) -> None:
    page = visitors.log_in(path="/people/", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_label("Email", exact=True).fill("hopper@example.com")
    page.get_by_role("button", name="Invite").click()
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("#status")).to_contain_text("Copied.")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.get_by_label("Link", exact=True).input_value()
    theirs = visitors.open(link)
    theirs.get_by_label("Name").fill("Hopper")
    theirs.get_by_label("Password", exact=True).fill("correct horse battery")
    theirs.get_by_label("Password again").fill("correct horse battery")
    theirs.get_by_role("button", name="Set password and log in").click()
    expect(theirs.get_by_role("heading", level=1, name="My work")).to_be_visible()
    page.goto("/people/?search=hopper")
    expect(page.get_by_role("row", name="Hopper")).to_contain_text("active")
    page.get_by_role("link", name="Hopper").click()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Deactivate").click()
    expect(page.locator("#status")).to_contain_text("Hopper is deactivated.")
    theirs.reload()
    expect(theirs.get_by_role("link", name="Log in")).to_be_visible()


def test_the_preview_follows_the_form(visitors: Visitors) -> None:
    page = visitors.log_in(path="/labels/new/")
    preview = page.get_by_role("region", name="Preview")
    page.get_by_label("Name", exact=True).fill("Helpful?")
    page.get_by_label("Thumbs").check()
    group = preview.get_by_role("group", name="Helpful?")
    expect(group.get_by_role("radio", name="Up")).to_be_visible()
    page.get_by_label("Options", exact=True).check()
    page.get_by_label("One option a line").fill("good")
    expect(preview).to_contain_text("Options must be a list of at least two options")
    page.get_by_label("One option a line").fill("good\nbad")
    expect(group.get_by_role("radio", name="bad")).to_be_visible()
    page.get_by_label("Several options may be chosen").check()
    expect(group.get_by_role("checkbox", name="bad")).to_be_visible()
    expect(page.get_by_label("Number of stars")).to_be_hidden()
    page.get_by_role("button", name="Create label").click()
    expect(page.locator("#status")).to_contain_text("The label Helpful? is created.")
