// Every button that does something to the running program, clicked, with what comes of it: calls,
// agents, prompts, webhooks, keys, users, the audit log, the directory, captures.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, afterEach, before, test } from "node:test";
import {
  api,
  BASE,
  Browser,
  CARRIER,
  Edge,
  enter,
  hands,
  looked,
  MOBILE,
  newKey,
  PASSWORD,
  RECEIVER,
  Receiver,
  SHOP,
  signIn,
  Telephone,
  tone,
  until,
  wav,
} from "./world.mjs";

const NUMBER = "+12025550100";
// Nothing is whispered to who answers it.
const QUIET = "+12025550101";
// Long enough to be skipped: who is whispered to would listen for half a minute.
const WHISPER = "This is a call from your advertisement on the radio. ".repeat(12).trim();
const DIRECTORY = `
[[call_settings]]
name = "default"
record = true

[[receiving_number]]
name = "shop"
number = "sip:shop@${SHOP}:5060"
whisper = { text = "${WHISPER}" }
agent = "ann"

[[receiving_number]]
name = "mobile"
number = "sip:mobile@${MOBILE}:5060"

[[receiving_number]]
name = "spare"
number = "sip:spare@${MOBILE}:5060"

[[agent]]
name = "ann"
full_name = "Ann Ames"
numbers = ["shop"]

[[queue]]
name = "sales"
members = ["shop"]

[[tracking_number]]
number = "${NUMBER}"
source = "radio"
dial = ["shop"]

[[tracking_number]]
number = "${QUIET}"
source = "letters"
dial = ["mobile"]

[[webhook]]
name = "crm"
url = "http://${RECEIVER}:8790/calls"
secret = "a secret of sixteen"
events = ["call.ended"]
allow_private = true
give_up_after = "1s"

[[trunk]]
name = "carrier"
sources = ["${CARRIER}"]
addresses = ["${SHOP}:5060"]
default = true
probe = "off"
`;

let edge, browser, page, receiver, call;
let button, heading, menu, said, section, dialog, offered;
const phones = [];

before(async () => {
  receiver = await Receiver.at(RECEIVER, 8790);
  edge = await Edge.start();
  browser = await Browser.open();
  page = await browser.window();
  ({ button, heading, menu, said, section, dialog, offered } = hands(page));
  for (const address of [SHOP, MOBILE]) phones.push(Telephone.answering(address));
});

afterEach((told) => looked(page, told));

after(async () => {
  for (const phone of phones) phone.stop();
  await browser?.close();
  await edge?.stop();
  receiver?.stop();
});

/** What is downloaded by a click. */
async function downloaded(click) {
  const download = page.waitForEvent("download");
  await click();
  return readFileSync(await (await download).path());
}

test("a directory is imported from a file", async () => {
  await enter(page, edge);
  await menu("Directory").click();
  const file = path.join(edge.folder, "directory.toml");
  writeFileSync(file, DIRECTORY);
  await page.getByLabel("Import a file").setInputFiles(file);
  const found = page.getByRole("status", { name: "What changes" });
  await found.getByText("9 added").waitFor();
  await button("Import").click();
  await said("The directory was imported").waitFor();
  const exported = await downloaded(() => page.getByRole("link", { name: "Export" }).click());
  assert.match(exported.toString(), /name = "sales"/);
  assert.doesNotMatch(exported.toString(), /a secret of sixteen/, "secrets are not exported");
  const kept = await api(page, "GET", "/v1/queues/sales");
  assert.equal(kept.status, 200);
});

test("a whisper is skipped", async () => {
  await menu("Live Calls").click();
  call = Telephone.staying(NUMBER, edge.folder);
  phones.push(call);
  const card = page.getByRole("article");
  await card.getByText("hears the whisper").waitFor();
  await button("Skip whisper", card).click();
  await said("Whisper skipped").waitFor();
  await card.getByText("Talking", { exact: true }).waitFor({ timeout: 4000 });
  await page.keep("buttons-1-talking");
});

test("its recording is stopped and begun again", async () => {
  const card = page.getByRole("article");
  await card.getByText("recording", { exact: true }).waitFor();
  await button("Stop recording", card).click();
  await said("Recording stopped").waitFor();
  await card.getByText("recording stopped").waitFor();
  await button("Record", card).click();
  await said("Recording started").waitFor();
  await card.getByText("recording", { exact: true }).waitFor();
});

test("an agent is busy while it talks, and set away and available by hand", async () => {
  await menu("Agents").click();
  const row = page.getByRole("row").filter({ hasText: "Ann Ames" });
  await row.getByText("busy").waitFor();
  await button("Set away", row).click();
  await row.getByText("then away").waitFor();
  await page.keep("buttons-2-away");
  await button("Set available", row).click();
  await row.getByText("then away").waitFor({ state: "detached" });
  await row.getByText("busy").waitFor();
  assert.equal((await api(page, "GET", "/v1/status")).body.agents[0].name, "ann");
});

test("the caller is put through to somebody else", async () => {
  await menu("Live Calls").click();
  const card = page.getByRole("article");
  await button("Transfer", card).click();
  const form = dialog("Put the caller through");
  assert.ok(await button("Transfer", form).isDisabled(), "it goes nowhere yet");
  await button("Add Receiving Number", form).click();
  await form.getByRole("combobox", { name: "Receiving number" }).fill("mob");
  await offered(/mobile/).waitFor();
  await page.keyboard.press("Enter");
  await page.keep("buttons-3-transfer");
  await button("Transfer", form).click();
  await said("The caller is put through").waitFor();
  const leg = card.locator(".leg").filter({ hasText: "mobile" });
  await leg.getByText("talking").waitFor();
  await page.keep("buttons-4-transferred");
});

test("and is hung up", async () => {
  const card = page.getByRole("article");
  await button("Hang up", card).click();
  const question = dialog("Hang up this call?");
  await button("Cancel", question).click();
  await card.getByText("Talking", { exact: true }).waitFor();
  await button("Hang up", card).click();
  await button("Hang up", question).click();
  await heading("Nobody is calling").waitFor();
  assert.equal(await call.over, 0, `the caller is hung up on: ${call.said}`);
});

test("the call's page has its recordings, its commands, and its messages to download", async () => {
  await menu("Call Log").click();
  const row = page.getByRole("row").filter({ hasText: "radio" });
  await row.getByText("Answered").waitFor();
  await row.getByRole("link").first().click();
  await heading("What happened, and why").waitFor();
  const story = section("What happened, and why");
  for (const step of [/skip/i, /stop.*record/i, /start.*record/i, /transfer/i, /hang ?up/i])
    await story.getByText(step).first().waitFor();
  await page.keep("buttons-5-call");
  const pcap = await downloaded(() => page.getByRole("link", { name: "pcap" }).click());
  assert.ok([0xa1b2c3d4, 0xa1b23c4d, 0x0a0d0d0a].includes(pcap.readUInt32LE(0)), "a pcap");
  assert.ok(pcap.includes("INVITE sip:"), "with the INVITE in it");
  const ladder = await downloaded(() => page.getByRole("link", { name: "Text" }).click());
  assert.match(ladder.toString(), /INVITE[\s\S]*200[\s\S]*BYE/);
});

test("a recording is held, released, and deleted", async () => {
  const kept = page.locator(".kept").first();
  await kept.getByText("on this edge").waitFor();
  await kept.getByText("kept for good").waitFor();
  await button("Hold", kept).click();
  await page.getByRole("textbox", { name: "Why" }).fill("case 4711");
  await button("Hold", dialog("Hold this recording?")).click();
  await said("Held").waitFor();
  await kept.getByText("held", { exact: true }).waitFor();
  assert.ok(await button("Delete", kept).isDisabled());
  await page.keep("buttons-5-held");
  await menu("Recordings").click();
  await page.getByRole("radio", { name: "Held" }).click();
  const row = page.getByRole("row").filter({ hasText: "until it is released" });
  await button("Release", row).click();
  await button("Release", dialog("Release this recording?")).click();
  await said("Released").waitFor();
  await row.waitFor({ state: "detached" });
  await page.getByRole("radio", { name: "All" }).click();
  const first = page.getByRole("row").filter({ hasText: "on this edge" }).first();
  await page.keep("buttons-5-recordings");
  await button("Delete", first).click();
  await button("Delete", dialog("Delete this recording?")).click();
  await said("Recording deleted").waitFor();
  const gone = page.getByRole("row").filter({ hasText: "deleted by ada" });
  await gone.getByRole("link").click();
  await page.getByText("It was deleted by ada.").waitFor();
});

test("what a webhook did not take is tried again by hand", async () => {
  await menu("Deliveries").click();
  await until("it is given up", async () => {
    await page.reload();
    return page.getByRole("row").filter({ hasText: "call.ended" }).isVisible();
  });
  const row = page.getByRole("row").filter({ hasText: "call.ended" });
  await row.getByText("500").waitFor();
  await page.keep("buttons-6-given-up");
  receiver.status = 204;
  const before = receiver.heard.length;
  await button("Try again", row).click();
  await said("It is tried again").waitFor();
  await heading("Nothing was given up").waitFor();
  await until("the receiver is told", () =>
    receiver.heard.slice(before).some((it) => it.status === 204),
  );
  assert.equal(receiver.heard.at(-1).body.what.type, "call.ended");
});

test("a prompt is uploaded, listened to, replaced only if asked, and deleted", async () => {
  await menu("Prompts").click();
  const file = (name, buffer) => ({ name, mimeType: "audio/wav", buffer });
  await page
    .locator('input[type="file"]')
    .setInputFiles(file("Hold music (v2.1).wav", wav(tone(440, 3))));
  await said("Hold music (v2.1).wav uploaded").waitFor();
  const row = page.getByRole("row").filter({ hasText: "Hold-music-v2-1" });
  await row.getByText("3.0 s").waitFor();
  await button("Play", row).click();
  await button("Stop", row).waitFor();
  await button("Stop", row).click();
  const again = file("Hold music (v2.1).wav", wav(tone(550, 2)));
  await page.locator('input[type="file"]').setInputFiles(again);
  await button("Cancel", dialog("Replace Hold-music-v2-1?")).click();
  await row.getByText("3.0 s").waitFor();
  await page.locator('input[type="file"]').setInputFiles(again);
  await button("Replace", dialog("Replace Hold-music-v2-1?")).click();
  await row.getByText("2.0 s").waitFor();
  await page.keep("buttons-7-prompts");
  await page
    .locator('input[type="file"]')
    .setInputFiles({ name: "page.mp3", mimeType: "audio/mpeg", buffer: Buffer.from("<html>") });
  await said("page.mp3 was not taken").waitFor();
  await button("Delete Hold-music-v2-1", row).click();
  await button("Delete", dialog("Delete Hold-music-v2-1?")).click();
  await said("Hold-music-v2-1 deleted").waitFor();
  await row.waitFor({ state: "detached" });
});

test("a prompt is recorded from text, and one that is played cannot be deleted", async () => {
  await page.getByLabel("What is said").fill("Welcome to Rosebud Flowers.");
  await page.getByRole("textbox", { name: "Name" }).fill("welcome");
  await button("Play", section("Record from text")).click();
  await button("Stop", section("Record from text")).waitFor();
  await button("Keep as prompt").click();
  await said("welcome recorded").waitFor();
  const row = page.getByRole("row").filter({ hasText: "welcome" });
  await button("Play", row).click();
  await button("Stop", row).waitFor();
  // A greeting is set to it, in the form of the call settings.
  await page.visit("/call_settings/default");
  const heard = section("What people hear");
  const greeting = heard.getByRole("group", { name: "Greeting" });
  await greeting.getByRole("radio", { name: "Audio file" }).click();
  await greeting.getByRole("combobox", { name: "Greeting: audio file" }).selectOption("welcome");
  await button("Save Changes").click();
  await said("Changes saved").waitFor();
  await menu("Prompts").click();
  await button("Delete welcome").click();
  await button("Delete", dialog("Delete welcome?")).click();
  await said("welcome was not deleted").waitFor();
});

test("a key is shown once, does what its role may, and is revoked", async () => {
  await menu("API Keys").click();
  await button("New API Key").first().click();
  const form = dialog("New API Key");
  await form.getByLabel("What it is for").fill("reporting");
  await form.getByLabel("Role").selectOption("viewer");
  await button("Create", form).click();
  const shown = dialog("Copy the key now");
  const key = await shown.locator("[data-key]").textContent();
  await page.keep("buttons-8-key");
  await button("Done", shown).click();
  const row = page.getByRole("row").filter({ hasText: "reporting" });
  await row.getByText("viewer").waitFor();
  await page.reload();
  await row.waitFor();
  assert.equal(await page.getByText(key).count(), 0, "it is shown once");
  const with_key = (method, to) =>
    fetch(`${BASE}${to}`, { method, headers: { authorization: `Bearer ${key}` } });
  assert.equal((await with_key("GET", "/v1/queues")).status, 200);
  assert.equal((await with_key("DELETE", "/v1/queues/sales")).status, 403);
  assert.equal((await with_key("GET", "/v1/users")).status, 403);
  await button("Revoke reporting", row).click();
  await button("Revoke", dialog("Revoke reporting?")).click();
  await said("reporting revoked").waitFor();
  assert.equal((await with_key("GET", "/v1/queues")).status, 401);
});

test("a user gets another role and another password, and is deleted", async () => {
  await menu("Users").click();
  await button("New User").click();
  const form = dialog("New User");
  await form.getByLabel("User name").fill("max");
  await form.getByRole("radio", { name: /Viewer/ }).check();
  await form.getByLabel("Password").fill("short");
  await button("Create", form).click();
  await form.getByRole("alert").waitFor();
  await form.getByLabel("Password").fill(PASSWORD);
  await button("Create", form).click();
  await said("max created").waitFor();

  const his = await browser.window();
  await signIn(his, "max");
  await his.visit("/queues/sales");
  await his.getByText(/needs the role manager/).waitFor();

  await button("Change max").click();
  await dialog("Change max")
    .getByRole("radio", { name: /Manager/ })
    .check();
  await button("Save Changes", dialog("Change max")).click();
  await said("max changed").waitFor();
  await his.visit("/queues/sales");
  await hands(his).button("Delete").waitFor();
  await his.visit("/webhooks/crm");
  await his.getByText(/needs the role admin/).waitFor();
  assert.equal(await hands(his).button("Save Changes").count(), 0);

  const changed = "another password for tests";
  await his.visit("/account");
  await his.getByLabel("Password so far").fill(PASSWORD);
  await his.getByLabel("New password").fill(changed);
  await his.getByLabel("The same again").fill(changed);
  await hands(his).button("Change password").click();
  await hands(his).said("Password changed").waitFor();
  await hands(his).button("Sign out").click();
  await his.getByRole("heading", { name: "Sign in" }).waitFor();
  await signIn(his, "max", changed);

  await button("Delete max").click();
  await button("Delete", dialog("Delete max?")).click();
  await said("max deleted").waitFor();
  await his.reload();
  await his.getByRole("heading", { name: "Sign in" }).waitFor();
  assert.deepEqual(his.wrong, []);
  await his.context().close();
});

test("an agent acts on its own calls, and on no others", async () => {
  const made = await api(page, "POST", "/v1/users", {
    name: "ann",
    role: "agent",
    agent: "ann",
    password: PASSWORD,
  });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const hers = await browser.window();
  const her = hands(hers);
  await signIn(hers, "ann");
  await hers.visit("/live");
  const own = Telephone.staying(NUMBER, edge.folder);
  phones.push(own);
  const card = hers.getByRole("article");
  await her.button("Skip whisper", card).click();
  await card.getByText("Talking", { exact: true }).waitFor();
  await her.button("Hang up", card).click();
  await her.button("Hang up", her.dialog("Hang up this call?")).click();
  await her.heading("Nobody is calling").waitFor();
  assert.equal(await own.over, 0, own.said);
  await hers.visit("/agents");
  await her.button("Set away").click();
  await hers.getByText("away", { exact: true }).waitFor();
  await her.button("Set available").click();
  assert.deepEqual(hers.wrong, []);
  await hers.context().close();
});

test("all of it is in the audit log, with who and from where", async () => {
  await menu("Audit").click();
  for (const subject of ["call/", "agent/ann", "prompt/welcome", "user/max", "queue/sales"]) {
    await page.getByLabel("Of what").fill(subject);
    const row = page.getByRole("row").filter({ hasText: "ada" }).filter({ hasText: subject });
    await row.first().waitFor();
  }
  await page.getByLabel("Of what").fill("");
  await page.getByLabel("By whom").fill("ann");
  const row = page
    .getByRole("row")
    .filter({ hasText: /call\// })
    .first();
  await row.getByText("127.0.0.1").waitFor();
  await page.keep("buttons-9-audit");
});

test("a noun is renamed, and whatever names it goes on doing so", async () => {
  await page.visit("/receiving_numbers/mobile");
  await button("Rename").click();
  await page.getByLabel("New name").fill("van");
  await button("Rename", page.getByRole("dialog")).click();
  await said("mobile is van now").waitFor();
  await heading("van").waitFor();
  assert.equal((await api(page, "GET", "/v1/receiving_numbers/mobile")).status, 404);
  const dials = await api(page, "GET", `/v1/tracking_numbers/${encodeURIComponent(QUIET)}`);
  assert.deepEqual(dials.body.dial, ["van"]);
});

test("what somebody else deleted meanwhile can be created again as it was typed", async () => {
  await page.visit("/receiving_numbers/spare");
  await page.locator("#field-description").fill("In the cupboard");
  const gone = await api(page, "DELETE", "/v1/receiving_numbers/spare");
  assert.equal(gone.status, 204, JSON.stringify(gone.body));
  await button("Save Changes").click();
  await button("Create it again", dialog("Somebody deleted this")).click();
  await said("Changes saved").waitFor();
  const kept = await api(page, "GET", "/v1/receiving_numbers/spare");
  assert.equal(kept.body.description, "In the cupboard");
});

test("a database is backed up", async () => {
  await menu("Directory").click();
  await button("Back up the database").click();
  await said(/Copied to/).waitFor();
});

test("nothing is wider than a narrow screen, whatever the lists have in them", async () => {
  const links = await page.getByRole("navigation", { name: "Main" }).getByRole("link").all();
  const places = await Promise.all(links.map((it) => it.getAttribute("href")));
  const more = ["agents/ann", "queues/sales", "webhooks/crm", "trunks/carrier"];
  await page.setViewportSize({ width: 390, height: 844 });
  for (const to of [...places, ...more.map((it) => `/console/${it}`)]) {
    await page.goto(BASE + to);
    await page.locator("main h1").waitFor();
    await page.locator("main [aria-label=Loading]").first().waitFor({ state: "detached" });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 390, `${to} is ${wide} px wide`);
  }
  await page.keep("buttons-11-narrow");
  await page.setViewportSize({ width: 1360, height: 900 });
});

test("a recording that is sealed says what opens it", async () => {
  await edge.stop();
  const recipient = newKey();
  edge = await Edge.start(
    (config) => `${config}\n[recordings]\nrecipients = ["${recipient}"]\nkeep = "90d"\n`,
  );
  await enter(page, edge);
  const taken = await api(page, "PUT", "/v1/directory", DIRECTORY, {
    "Content-Type": "application/toml",
  });
  assert.equal(taken.status, 200, JSON.stringify(taken.body));
  const calling = Telephone.calling(QUIET, 2, edge.folder);
  phones.push(calling);
  assert.equal(await calling.over, 0, calling.said);
  await menu("Call Log").click();
  const row = page.getByRole("row").filter({ hasText: "letters" });
  await row.getByText("Answered").waitFor();
  await until("it is sealed", async () => {
    const { items } = (await api(page, "GET", "/v1/recordings")).body;
    return items[0]?.encrypted;
  });
  await row.getByRole("link").first().click();
  await page.getByText("It is sealed.").waitFor();
  await page.getByText(/^crosspoint recording decrypt \S+\.wav\.age --identity KEYFILE$/).waitFor();
  const kept = page.locator(".kept");
  await kept.getByText("sealed", { exact: true }).waitFor();
  await kept.getByText(/kept until/).waitFor();
  await page.keep("buttons-11-sealed");
  const file = await downloaded(() => page.getByRole("link", { name: "Download sealed" }).click());
  assert.match(file.subarray(0, 30).toString(), /^age-encryption\.org\/v1/);
});

test("an edge whose directory is a file says so before anybody types", async () => {
  await edge.stop();
  edge = await Edge.start((config) =>
    config.replace('directory = "database"', 'directory = "file"'),
  );
  await enter(page, edge);
  await menu("Receiving Numbers").click();
  await page.getByText("The directory is in the configuration file.").waitFor();
  assert.equal(await page.getByRole("link", { name: "New Receiving Number" }).count(), 0);
  await page.visit("/trunks/carrier");
  await page.getByText("The directory is in the configuration file.").waitFor();
  assert.ok(await button("Save Changes").isDisabled());
  assert.equal(await button("Delete").count(), 0);
  await page.keep("buttons-10-in-file");
  await menu("Directory").click();
  assert.ok(await page.getByLabel("The directory as TOML").isDisabled());
});
