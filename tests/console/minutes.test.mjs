// The first five minutes, from the README alone: the quickstart as `make run` starts it, a browser,
// a softphone, a call, its recording. Nothing is edited; everything is clicked.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import {
  Browser,
  Edge,
  enter,
  framesOf,
  hands,
  looked,
  QUICK,
  samplesOf,
  Softphone,
  Telephone,
  until,
} from "./world.mjs";

const WHISPER = "A call from your advertisement on the radio.";
let edge, browser, page, softphone, caller, password;
let button, heading, menu, said, section, offered;
const began = Date.now();

before(async () => {
  edge = await Edge.quickstart();
  browser = await Browser.open();
  page = await browser.window({ base: QUICK.base });
  ({ button, heading, menu, said, section, offered } = hands(page));
});

afterEach((told) => looked(page, told));

after(async () => {
  caller?.stop();
  softphone?.stop();
  await browser?.close();
  await edge?.stop();
});

test("1. the link that was printed sets the administrator's password", async () => {
  await enter(page, edge, "admin");
  await heading("First steps").waitFor();
  await page.getByText("Register a phone").waitFor();
  await page.getByText("127.0.0.1:5060").waitFor();
  await page.keep("minutes-1-dashboard");
});

test("2. a SIP account is made, and a softphone registers with it", async () => {
  await menu("SIP Accounts").click();
  await page.getByRole("link", { name: "New SIP Account" }).first().click();
  await page.locator("#field-user").fill("desk");
  await button("Generate").first().click();
  password = await page.locator("#field-password").inputValue();
  assert.match(password, /^\w{20}$/);
  await page.keep("minutes-2-account");
  await button("Save Changes").click();
  await said("SIP Account desk created").waitFor();
  const phones = section("Registered phones");
  await phones.getByText("127.0.0.1:5060").waitFor();
  await page.keep("minutes-3-softphone");
  const server = QUICK.edge;
  softphone = new Softphone({
    folder: edge.folder,
    at: "127.0.0.3",
    server,
    user: "desk",
    password,
  });
  await phones.getByText(/sip:desk.*127\.0\.0\.3/).waitFor({ timeout: 30_000 });
  await page.keep("minutes-4-registered");
});

test("3. a receiving number rings it, with an extension and a whisper", async () => {
  await menu("Receiving Numbers").click();
  await page.getByRole("link", { name: "New Receiving Number" }).first().click();
  await page.getByRole("radio", { name: "SIP account" }).click();
  await page.locator("#field-number").selectOption("desk");
  await page.locator("#field-description").fill("The desk");
  await button("Advanced settings").click();
  await page.locator("#field-extension").fill("3ww1928");
  await page.getByRole("img", { name: "Sends 3, waits 1 s, sends 1928." }).waitFor();
  const whisper = section("Whisper Message");
  await whisper.getByRole("radio", { name: "Text" }).first().click();
  await whisper.getByLabel("Whisper Message: text").fill(WHISPER);
  await whisper.getByRole("button", { name: "Play" }).click();
  await whisper.getByRole("button", { name: "Stop" }).waitFor();
  await button("Save Changes").click();
  await said("Receiving Number the-desk created").waitFor();
  await page.keep("minutes-5-receiving-number");
});

test("4. a tracking number leads to it", async () => {
  await menu("Tracking Numbers").click();
  await page.getByRole("link", { name: "New Tracking Number" }).first().click();
  await page.locator("#field-number").fill("(202) 555-0123");
  await page.locator("#field-source").fill("radio");
  const routing = section("Call Routing");
  await routing.getByRole("radio", { name: "Dial Receiving Numbers" }).click();
  await button("Add Receiving Number", routing).click();
  await page.getByRole("combobox", { name: "Receiving number" }).fill("desk");
  await offered(/the-desk/).waitFor();
  await page.keyboard.press("Enter");
  await button("Save Changes").click();
  await said(/^Tracking Number .* created$/).waitFor();
  await heading("+1 202-555-0123").waitFor();
  await page.keep("minutes-6-tracking-number");
  await page.getByRole("link", { name: "Explain", exact: true }).last().click();
  await page.locator(".explain").getByText("sends 3").waitFor();
  await page.locator(".explain").getByText(WHISPER).waitFor();
  await page.keep("minutes-7-explain");
});

test("5. a call is seen as it comes: the digits, the whisper, the talk", async () => {
  await menu("Live Calls").click();
  await heading("Nobody is calling").waitFor();
  caller = Telephone.calling("+12025550123", 8, edge.folder, QUICK);
  const card = page.getByRole("article");
  await card.getByText("the-desk").first().waitFor();
  await card.getByText("hears the whisper").waitFor();
  await page.keep("minutes-8-whisper");
  await card.getByText("Talking", { exact: true }).waitFor();
  await card.getByText("recording", { exact: true }).waitFor();
  await page.keep("minutes-9-talking");
  assert.equal(await caller.over, 0, caller.said);
  await heading("Nobody is calling").waitFor();
});

test("6. and it is listened to", async () => {
  await menu("Call Log").click();
  const row = page.getByRole("row").filter({ hasText: "the-desk" });
  await row.getByText("Answered").waitFor();
  await row.getByRole("link").first().click();
  await page.getByText(/Extension: 5 digits, 2 pauses/).waitFor();
  await page.getByText("the-desk hears the whisper").waitFor();
  await button("Play recording").click();
  await until("the recording plays", () =>
    page.evaluate(() => document.querySelector("audio").currentTime > 0.5),
  );
  const length = await page.evaluate(() => document.querySelector("audio").duration);
  assert.ok(length > 6 && length < 10, `${length} s are recorded`);
  await page.keep("minutes-10-recording");
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download" }).click();
  assert.match((await download).suggestedFilename(), /\.wav$/);
  // Both are in it: the caller's voice, and the tone that the softphone says.
  const samples = samplesOf(await (await download).path());
  for (const [side, hertz] of [
    [0, 220],
    [1, 440],
  ]) {
    const frames = framesOf(
      samples.filter((_, at) => at % 2 === side),
      hertz,
    );
    assert.ok(frames > 100, `${hertz} Hz is heard in ${frames} frames`);
  }
  const seconds = (Date.now() - began) / 1000;
  assert.ok(seconds < 300, `it took ${seconds} s`);
});

test("what was made is there after a restart, and the quickstart is not taken again", async () => {
  await edge.again();
  await page.reload();
  await menu("Receiving Numbers").click();
  await page.getByRole("link", { name: "the-desk" }).waitFor();
  assert.equal(edge.firstLink(), undefined, "there is an administrator: no link is printed");
});
