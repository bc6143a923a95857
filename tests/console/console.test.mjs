// What people do in the console, click by click, in a real browser against the built program.
// The tests are one story: each goes on where the one before ended.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, afterEach, before, test } from "node:test";
import {
  api,
  BASE,
  Browser,
  CARRIER,
  Edge,
  hands,
  looked,
  MOBILE,
  PASSWORD,
  ROOT,
  SHOP,
  signIn,
  Telephone,
  until,
} from "./world.mjs";

const NUMBER = "+12025550100";
let edge, browser, page;
const phones = [];

before(async () => {
  edge = await Edge.start();
  browser = await Browser.open();
  page = await browser.window();
  ({ button, heading, menu, said, section, offered } = hands(page));
});

afterEach((told) => looked(page, told));

after(async () => {
  for (const phone of phones) phone.stop();
  await browser?.close();
  await edge?.stop();
});

let button, heading, menu, said, section, offered;
test("the first start prints a link that sets the admin's password, once", async () => {
  const link = await until("a link is printed", () => edge.firstLink());
  await page.goto(link);
  await page.keep("01-set-up");
  await page.getByLabel("User name").fill("ada");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("The same again").fill("something else");
  await page.getByText("This is not the same.").waitFor();
  await page.getByLabel("The same again").fill(PASSWORD);
  await button("Set password and enter").click();
  await heading("Dashboard").waitFor();
  assert.ok(!page.url().includes("setup"), "the token is gone from the address");
  const other = await browser.window();
  await other.goto(link);
  await other.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await other.getByLabel("The same again").fill(PASSWORD);
  await button("Set password and enter", other).click();
  await other.getByRole("alert").waitFor();
  await other.context().close();
});

test("lists that are empty say what would be in them", async () => {
  await menu("Receiving Numbers").click();
  await heading("No receiving numbers yet").waitFor();
  await page.keep("02-empty");
});

// The help page's first list of steps: Numbers -> Receiving Numbers -> New Receiving Number.
test("a receiving number is made as the help page tells it", async () => {
  await page.getByRole("link", { name: "New Receiving Number" }).first().click();
  await heading("New Receiving Number").waitFor();
  await page.getByLabel("Country", { exact: true }).selectOption({ label: "United States (+1)" });
  await page.locator("#field-number").fill("(202) 555-0173");
  await page.locator("#field-description").fill("The shop on K Street");
  await button("Advanced settings").click();
  const sections = await page.locator("section.section h2").allTextContents();
  const told = [
    "Extension",
    "Whisper Message",
    "Prevent Recording",
    "Enhanced Forwarding",
    "Scheduled Routing",
    "No-Answer Routing",
    "Forwarding Rules",
    "Agent",
    "Tagging Hours",
    "Source Tag",
  ];
  assert.deepEqual(
    sections.filter((it) => told.includes(it)),
    told,
    "the help page's sections, in its order",
  );
  await page.locator("#field-source_tag").fill("dc");
  await page.keep("03-receiving-number");
});

test("a wrong extension is refused with its column", async () => {
  const extension = page.locator("#field-extension");
  await extension.fill("3wx1928");
  await section("Extension")
    .getByText(/Column 3: "x" is not one of/)
    .waitFor();
  await button("Save Changes").click();
  // Not by the page alone: this is the API's own answer.
  await section("Extension")
    .getByText(/column 3: 'x' is not one of 0-9 \* # A-D w W/)
    .waitFor();
  assert.equal(await extension.getAttribute("aria-invalid"), "true");
  assert.equal(await page.locator(".cells .bad").textContent(), "x");
  await page.keep("04-wrong-extension");
  await extension.fill("3ww1");
  await page.locator("#field-dial_pause").selectOption({ label: "0.5 seconds" });
  await page.getByRole("img", { name: "Waits 0.5 s, sends 3, waits 1 s, sends 1." }).waitFor();
  await page.keep("05-timeline");
});

test("a whisper is written, heard, and saved with the rest", async () => {
  const whisper = section("Whisper Message");
  await whisper.getByRole("radio", { name: "Text" }).first().click();
  await whisper.getByLabel("Whisper Message: text").fill("A call from your advertisement.");
  const spoken = page.waitForResponse((it) => it.url().endsWith("/v1/prompts/speak"));
  await whisper.getByRole("button", { name: "Play" }).click();
  const answer = await spoken;
  assert.equal(answer.status(), 200);
  assert.equal(answer.headers()["content-type"], "audio/wav");
  await whisper.getByRole("button", { name: "Stop" }).waitFor();
  await button("Save Changes").click();
  await said("Receiving Number the-shop-on-k-street created").waitFor();
  const kept = (await api(page, "GET", "/v1/receiving_numbers/the-shop-on-k-street")).body;
  assert.equal(kept.extension, "3ww1");
  assert.equal(kept.dial_pause, "0.5s");
  assert.equal(kept.source_tag, "dc");
  assert.deepEqual(kept.whisper, { text: "A call from your advertisement." });
});

test("changes that are not saved are not lost by a click elsewhere", async () => {
  await page.locator("#field-description").fill("The shop");
  await menu("Queues").click();
  await heading("Leave without saving?").waitFor();
  await button("Stay").click();
  assert.equal(await page.locator("#field-description").inputValue(), "The shop");
  await button("Discard").click();
  assert.equal(await page.locator("#field-description").inputValue(), "The shop on K Street");
});

// The second list: Numbers -> Tracking Numbers -> edit -> Call Routing -> Dial Receiving Numbers
// -> + Add Receiving Number.
test("a tracking number dials receiving numbers, and makes new ones as typed", async () => {
  await menu("Tracking Numbers").click();
  await page.getByRole("link", { name: "New Tracking Number" }).first().click();
  await page.locator("#field-number").fill("(202) 555-0100");
  await page.locator("#field-label").fill("Spring campaign");
  await page.locator("#field-source").fill("radio");
  await page.getByRole("radio", { name: "Hang up" }).click();
  await button("Save Changes").click();
  await said(/^Tracking Number .* created$/).waitFor();

  await menu("Tracking Numbers").click();
  await page.getByRole("link", { name: "+1 202-555-0100" }).click();
  const routing = section("Call Routing");
  await routing.getByRole("radio", { name: "Dial Receiving Numbers" }).click();
  await routing.getByRole("button", { name: "Add Receiving Number" }).click();
  await page.getByRole("combobox", { name: "Receiving number" }).fill("k-street");
  await offered(/the-shop-on-k-street/).waitFor();
  await page.keyboard.press("Enter");
  await routing.getByRole("button", { name: "Add Receiving Number" }).first().click();
  await page.getByRole("combobox", { name: "Receiving number" }).fill(`sip:mobile@${MOBILE}:5060`);
  await offered(/Create receiving number/).click();
  await said(`Receiving number sip:mobile@${MOBILE}:5060 created`).waitFor();
  await routing.getByLabel("They ring").selectOption({ label: "One after the other" });
  await page.keep("06-call-routing");
  await button("Save Changes").click();
  await said("Changes saved").waitFor();
  const kept = (await api(page, "GET", `/v1/tracking_numbers/${encodeURIComponent(NUMBER)}`)).body;
  assert.deepEqual(kept.dial, ["the-shop-on-k-street", `sip:mobile@${MOBILE}:5060`]);
  assert.equal(kept.order, "sequence");
});

test("explain tells what would happen to a call", async () => {
  await page.visit(`/explain?number=${encodeURIComponent(NUMBER)}`);
  await page
    .locator(".explain")
    .getByText(/"Spring campaign"/)
    .waitFor();
  await page.locator(".explain").getByText("sends 3").waitFor();
  // It is drawn from the tree of the API: a destination leads to what it is.
  const rings = page.locator(".explain li.step-destination").first();
  await rings.getByRole("link", { name: "the-shop-on-k-street" }).waitFor();
  await page.keep("07-explain");
});

let call;

test("a call is seen the moment it comes: who rings, who talks", async () => {
  await menu("Live Calls").click();
  await heading("Nobody is calling").waitFor();
  phones.push(Telephone.answering(SHOP));
  call = Telephone.calling(NUMBER, 6, edge.folder);
  phones.push(call);
  const card = page.getByRole("article");
  await card.getByText("the-shop-on-k-street").first().waitFor();
  await card.getByText("Talking", { exact: true }).waitFor();
  await card.getByText("recording", { exact: true }).waitFor();
  await page.keep("08-live");
});

test("it is in the call log when it is over, and its recording is played", async () => {
  assert.equal(await call.over, 0, call.said);
  await menu("Call Log").click();
  const row = page.getByRole("row").filter({ hasText: "the-shop-on-k-street" });
  await row.getByText("Answered").waitFor();
  await page.keep("09-call-log");
  await row.getByRole("link").first().click();
  await heading("Recording").waitFor();
  await page.getByText("Connected with the-shop-on-k-street").waitFor();
  await page.getByText(/Extension: 2 digits, 2 pauses/).waitFor();
  await page.getByRole("slider", { name: "Position in the recording" }).waitFor();
  await page.getByRole("button", { name: new RegExp(`INVITE, from ${CARRIER}`) }).click();
  await page
    .getByText(/INVITE sip:\+12025550100@/)
    .last()
    .waitFor();
  await button("Play recording").click();
  await until("the recording plays", () =>
    page.evaluate(() => document.querySelector("audio").currentTime > 0.5),
  );
  const length = await page.evaluate(() => document.querySelector("audio").duration);
  assert.ok(length > 2 && length < 8, `${length} s are recorded`);
  const link = await page.getByRole("link", { name: "Download" }).getAttribute("href");
  const file = link.replace("/v1/recordings/", "");
  const { body } = await api(page, "GET", `/v1/recordings/peaks?points=100&file=${file}`);
  assert.ok(Math.max(...body.left) > 0.1, "the caller's voice is in it");
  await page.keep("10-call");
});

test("the log is searched by what stands in the address", async () => {
  await page.visit("/calls?outcome=busy");
  await heading("No call fits").waitFor();
  await page.locator("#filter-outcome").selectOption({ label: "Answered" });
  await page.getByRole("row").filter({ hasText: "the-shop-on-k-street" }).waitFor();
  assert.match(page.url(), /outcome=answered/);
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "CSV" }).click();
  const text = readFileSync(await (await download).path(), "utf8");
  assert.match(text, /the-shop-on-k-street|12025550100/);
  await menu("Dashboard").click();
  await page.getByText("100 %").waitFor();
  await page.keep("11-dashboard");
});

test("a week is opened by keyboard alone", async () => {
  await page.visit("/new/schedules");
  await page.locator("#field-name").fill("office");
  const monday = page.getByRole("application", { name: /^Monday/ });
  await monday.focus();
  // From 09:00 back to 08:00, which is closed: Space opens it.
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Space");
  await page.getByText("mon 08:").waitFor();
  await page.keep("12-schedule");
  await button("Save Changes").click();
  await said("Schedule office created").waitFor();
});

test("who may only look is shown nothing that would be refused, and is refused", async () => {
  await page.visit("/users");
  await button("New User").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("User name").fill("vera");
  await dialog.getByRole("radio", { name: /Viewer/ }).check();
  await dialog.getByLabel("Password").fill(PASSWORD);
  await button("Create", dialog).click();
  await said("vera created").waitFor();

  const vera = await browser.window({ colorScheme: "dark" });
  await signIn(vera, "vera");
  await vera.visit("/receiving_numbers");
  await vera.getByRole("link", { name: "the-shop-on-k-street" }).click();
  await vera.getByText("You may look at this, but not change it").waitFor();
  await vera.keep("13-viewer-dark");
  for (const hidden of ["Save Changes", "Delete", "Discard"])
    assert.equal(await button(hidden, vera).count(), 0, hidden);
  assert.ok(await vera.locator("#field-description").isDisabled());
  for (const hidden of ["Users", "API Keys", "Audit"])
    assert.equal(await vera.getByRole("link", { name: hidden, exact: true }).count(), 0, hidden);
  const refused = await api(
    vera,
    "DELETE",
    "/v1/receiving_numbers/the-shop-on-k-street",
    undefined,
    { "If-Match": '"1"' },
  );
  assert.equal(refused.status, 403);
  assert.equal((await api(vera, "GET", "/v1/users")).status, 403);
  assert.deepEqual(vera.wrong, []);
  await vera.context().close();
});

test("a token in a URL is shown to managers only, who lead no password to another host", async () => {
  const url = "wss://bot.example.com:9000/talk?key=T0KEN";
  const number = { name: "pbx", number: "sip:x@pbx.example.com", user: "me", password: "s3cret" };
  const made = [
    ["users", { name: "mia", role: "manager", password: PASSWORD }],
    ["virtual_agents", { name: "bot", url }],
    ["receiving_numbers", number],
  ];
  for (const [kind, body] of made)
    assert.equal((await api(page, "POST", `/v1/${kind}`, body)).status, 201, kind);

  const vera = await browser.window();
  await signIn(vera, "vera");
  await vera.visit("/virtual_agents");
  await vera.getByRole("link", { name: "bot", exact: true }).click();
  await vera.getByText("What follows the host is shown to managers only.").waitFor();
  assert.equal(await vera.locator("#field-url").inputValue(), "wss://bot.example.com:9000/");
  assert.ok(!(await vera.content()).includes("T0KEN"));
  await vera.keep("13-url-of-a-viewer");
  await vera.context().close();

  const mia = await browser.window();
  await signIn(mia, "mia");
  await mia.visit("/virtual_agents/bot");
  await mia.locator("#field-url").waitFor();
  assert.equal(await mia.locator("#field-url").inputValue(), url);
  await mia.locator("#field-url").fill(`${url}2`);
  await button("Save Changes", mia).click();
  await until("it is stored", async () => {
    return (await api(page, "GET", "/v1/virtual_agents/bot")).body.url === `${url}2`;
  });

  await mia.visit("/receiving_numbers/pbx");
  await mia.locator("#field-number").fill("sip:x@evil.example.com");
  await button("Save Changes", mia).click();
  const password = mia.getByRole("group", { name: "SIP credentials" });
  await password.getByText(/is for the one before: give it anew/).waitFor();
  await mia.keep("13-password-led-away");
  await mia.locator("#field-password").fill("another");
  await button("Save Changes", mia).click();
  await until("it is stored", async () => {
    const kept = await api(page, "GET", "/v1/receiving_numbers/pbx");
    return kept.body.number === "sip:x@evil.example.com";
  });
  await mia.context().close();
  for (const name of ["virtual_agents/bot", "receiving_numbers/pbx"]) {
    const gone = await api(page, "DELETE", `/v1/${name}`, undefined, { "If-Match": "*" });
    assert.equal(gone.status, 204, name);
  }
});

test("a change without the session's token is refused", async () => {
  const wanted = { name: "sneaked-in", number: "+12025550199" };
  for (const token of [null, "guessed"]) {
    const refused = await api(page, "POST", "/v1/receiving_numbers", wanted, {
      "X-CSRF-Token": token,
    });
    assert.equal(refused.status, 403);
    assert.match(refused.body.type, /csrf/);
  }
  assert.equal((await api(page, "GET", "/v1/receiving_numbers/sneaked-in")).status, 404);
});

test("of two who change the same at once, the second chooses for each setting", async () => {
  const at = "/v1/receiving_numbers/the-shop-on-k-street";
  const other = await browser.window();
  await signIn(other, "ada");
  for (const one of [page, other]) {
    await one.visit("/receiving_numbers/the-shop-on-k-street");
    await one.getByLabel("Ring for").waitFor();
  }
  await other.locator("#field-description").fill("theirs");
  await other.getByLabel("Ring for").fill("60s");
  await other.locator("#field-source_tag").fill("elsewhere");
  await hands(other).button("Save Changes").click();
  await hands(other).said("Changes saved").waitFor();

  await page.locator("#field-description").fill("mine");
  await page.getByLabel("Ring for").fill("30s");
  await page.locator("#field-no_answer-busy_route").selectOption("hangup");
  await button("Save Changes").click();
  const dialog = page.getByRole("dialog", { name: "Somebody else changed this" });
  const about = (what) => dialog.getByRole("group", { name: what });
  await dialog.getByText("You both changed 2 settings: say whose is kept.").waitFor();
  await about("Description you both changed it").getByText("theirs", { exact: true }).waitFor();
  const rings = about("No answer \u203a Timeout you both changed it");
  await rings.getByText("It was: not set").waitFor();
  for (const [what, whose] of [
    ["No answer \u203a Busy route only you", /Mine/],
    ["Source tag only ada", /Theirs/],
  ])
    assert.ok(await about(what).getByRole("radio", { name: whose }).isChecked(), what);
  await rings.getByRole("radio", { name: "Theirs 60s" }).check();
  await page.keep("14-conflict");
  await button("Save what is chosen", dialog).click();
  await said("Changes saved").waitFor();
  const kept = (await api(page, "GET", at)).body;
  assert.equal(kept.description, "mine");
  assert.equal(kept.source_tag, "elsewhere", "what only they changed is kept");
  assert.equal(kept.no_answer.timeout, "60s");
  assert.equal(kept.no_answer.busy_route, "hangup");

  // And the first, who goes on typing on what is old by now, sees what the second did.
  await other.locator("#field-description").fill("theirs again");
  await hands(other).button("Save Changes").click();
  const asked = other.getByRole("dialog", { name: "Somebody else changed this" });
  await asked.getByText("mine", { exact: true }).waitFor();
  await asked.getByRole("button", { name: "All theirs" }).click();
  await asked.getByRole("button", { name: "Save what is chosen" }).click();
  await other.getByText("All changes saved").waitFor();
  assert.equal(await other.locator("#field-description").inputValue(), "mine");
  await looked(other, {});
  await other.context().close();
});

test("names are shown as they are written, whatever is in them", async () => {
  const text = '<img src=x onerror="document.title=1"><b>bold</b>';
  const made = await api(page, "POST", "/v1/receiving_numbers", {
    name: "html",
    number: "+12025550111",
    description: text,
  });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  await page.visit("/receiving_numbers");
  await page.getByRole("cell", { name: text }).waitFor();
  assert.equal(await page.locator("td img").count(), 0);
});

test("a directory is imported after a look at what changes; a wrong one says where", async () => {
  await menu("Directory").click();
  const text = await (await page.request.get(`${BASE}/v1/directory`)).text();
  const box = page.getByLabel("The directory as TOML");
  const more = (extension) =>
    `${text}\n[[receiving_number]]\nname = "imported"\nnumber = "+12025550155"\n` +
    `extension = "${extension}"\n`;
  await box.fill(more("9x"));
  await button("See what changes").click();
  await page
    .getByRole("alert")
    .getByText(/column 2/)
    .first()
    .waitFor();
  await page.keep("15-import-wrong");
  await box.fill(more("9w1"));
  await button("See what changes").click();
  await page.getByRole("status", { name: "What changes" }).getByText("1 added").waitFor();
  await page.keep("16-import");
  await button("Import").click();
  await said("The directory was imported").waitFor();
  await menu("Receiving Numbers").click();
  await page.getByRole("link", { name: "imported" }).waitFor();
});

test("the keyboard reaches everything: search, skip link, Escape", async () => {
  await page.visit("/");
  await heading("Dashboard").waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("k-street");
  await page.getByRole("option", { name: /the-shop-on-k-street/ }).waitFor();
  await page.keyboard.press("Enter");
  await heading("the-shop-on-k-street").waitFor();
  await page.visit("/queues");
  await heading("Queues").waitFor();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the page");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");

  // Who deletes a row is asked, and is in the list afterwards, not at the beginning of the page.
  for (const name of ["ada-one", "ada-two"])
    await api(page, "POST", "/v1/receiving_numbers", { name, number: "+12025550198" });
  await page.visit("/receiving_numbers?q=ada-");
  const inTable = () => page.evaluate(() => document.activeElement.closest("tbody") !== null);
  await page.getByRole("button", { name: "Delete ada-one" }).press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await until("it is where it was", inTable);
  await page.keyboard.press("Enter");
  await button("Delete", page.getByRole("dialog")).press("Enter");
  await page.getByRole("link", { name: "ada-one" }).waitFor({ state: "detached" });
  await until("the next row has it", inTable);
});

test("a narrow screen shows the same, with the navigation behind a button", async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.visit("/receiving_numbers/the-shop-on-k-street");
  await heading("the-shop-on-k-street").waitFor();
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 390, `the page is ${wide} px wide`);
  await page.keep("17-narrow");
  await button("Navigation").click();
  await menu("Live Calls").click();
  await heading("Live Calls").waitFor();
  await page.setViewportSize({ width: 1360, height: 900 });
});

test("every page opens without a fault, and an accessibility checker finds none", async () => {
  const axe = readFileSync(
    path.join(ROOT, "tests/console/node_modules/axe-core/axe.min.js"),
    "utf8",
  );
  for (const colorScheme of ["light", "dark"]) {
    const window = await browser.window({ colorScheme });
    await signIn(window, "ada");
    const links = await window.getByRole("navigation", { name: "Main" }).getByRole("link").all();
    const places = await Promise.all(links.map((it) => it.getAttribute("href")));
    assert.ok(places.length > 20);
    const forms = [
      "new/receiving_numbers",
      "new/queues",
      "new/schedules",
      "new/trunks",
      "receiving_numbers/the-shop-on-k-street",
    ].map((it) => `/console/${it}`);
    // In the dark only colours differ: a few pages have all of them.
    const seen =
      colorScheme === "light"
        ? [...places, ...forms]
        : [places[0], places[2], places[3], ...forms.slice(0, 2)];
    for (const to of seen) {
      await window.goto(BASE + to);
      await window.locator("main h1").waitFor();
      await window.locator("main [aria-label=Loading]").first().waitFor({ state: "detached" });
      assert.deepEqual(await window.locator("main .note.bad").allTextContents(), [], to);
      await window.evaluate(axe);
      const faults = await window.evaluate(async () =>
        (await axe.run()).violations.map(
          (it) => `${it.id}: ${it.nodes.map((one) => one.html).join(" ")}`,
        ),
      );
      assert.deepEqual(faults, [], `${to} (${colorScheme})`);
    }
    assert.deepEqual(window.wrong, []);
    await window.context().close();
  }
});

test("who signs out is out", async () => {
  await button("Sign out").click();
  await heading("Sign in").waitFor();
  assert.equal((await page.request.get(`${BASE}/v1/receiving_numbers`)).status(), 401);
  await page.getByLabel("User name").fill("ada");
  await page.getByLabel("Password").fill("not the password");
  await button("Sign in").click();
  await page.getByText("do not belong together").waitFor();
});
