// One of each noun, made in its form, and read again as the API has it.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { api, Browser, Edge, enter, hands, looked } from "./world.mjs";

const NUMBERS = `
[[trunk]]
name = "carrier"
sources = ["192.0.2.7"]
addresses = ["192.0.2.7"]
probe = "off"

[[receiving_number]]
name = "shop"
number = "+12025550173"

[[receiving_number]]
name = "mobile"
number = "+12025550174"
`;

let edge, browser, page;
let button, heading, said, section, offered;

before(async () => {
  edge = await Edge.start();
  browser = await Browser.open();
  page = await browser.window();
  ({ button, heading, said, section, offered } = hands(page));
  await enter(page, edge);
  const taken = await api(page, "PUT", "/v1/directory", NUMBERS, {
    "Content-Type": "application/toml",
  });
  assert.equal(taken.status, 200, JSON.stringify(taken.body));
});

afterEach((told) => looked(page, told));

after(async () => {
  await browser?.close();
  await edge?.stop();
});

/** Opens the form of a new one. */
async function begin(plural, title) {
  await page.visit(`/new/${plural}`);
  await heading(`New ${title}`).waitFor();
}

const field = (key) => page.locator(`#field-${key}`);

/** Types one more into the list of a field. */
async function add(key, text) {
  await field(key).fill(text);
  await field(key).press("Enter");
}

/** Saves it; what the API has of it then, its keys only. */
async function saved(plural, title, name) {
  await button("Save Changes").click();
  await said(`${title} ${name} created`).waitFor();
  await heading(name).waitFor();
  const { body } = await api(page, "GET", `/v1/${plural}/${encodeURIComponent(name)}`);
  return Object.fromEntries(Object.entries(body).filter(([key]) => !key.startsWith("_")));
}

test("an agent", async () => {
  await begin("agents", "Agent");
  await field("name").fill("ann");
  await field("full_name").fill("Ann Ames");
  await field("numbers").selectOption("mobile");
  assert.deepEqual(await saved("agents", "Agent", "ann"), {
    name: "ann",
    full_name: "Ann Ames",
    numbers: ["mobile"],
  });
});

test("a queue, whose members are agents and receiving numbers", async () => {
  await begin("queues", "Queue");
  await field("name").fill("sales");
  await button("Add agent").click();
  await page.getByLabel("Member 1: who").selectOption("ann");
  await button("Add receiving number").click();
  await page.getByLabel("Member 2: who").selectOption("shop");
  await field("distribution").selectOption({ label: "Longest idle" });
  await field("max_wait").fill("90s");
  const waits = section("How long they wait");
  await waits.getByLabel("No answer", { exact: true }).selectOption("dial");
  await button("Add Receiving Number", waits).click();
  await page.getByRole("combobox", { name: "Receiving number" }).fill("mobile");
  await offered(/mobile/).waitFor();
  await page.keyboard.press("Enter");
  await page.keep("forms-1-queue");
  const kept = await saved("queues", "Queue", "sales");
  assert.deepEqual(kept.members, [{ agent: "ann" }, "shop"]);
  assert.equal(kept.distribution, "longest_idle");
  assert.deepEqual(kept.no_answer, { dial: ["mobile"] });
});

test("a voicemail box", async () => {
  await begin("voicemails", "Voicemail Box");
  await field("name").fill("box");
  await page.getByRole("group", { name: "Greeting" }).getByRole("radio", { name: "Text" }).click();
  await page.getByLabel("Greeting: text").fill("Please leave a message.");
  const kept = await saved("voicemails", "Voicemail Box", "box");
  assert.deepEqual(kept.greeting, { text: "Please leave a message." });
});

test("a voice menu, as a tree", async () => {
  await begin("voice_menus", "Voice Menu");
  await field("name").fill("main");
  await page.getByLabel("Prompt: text").fill("For sales press 1.");
  for (const [key, kind, which, name] of [
    ["1", "queue", "Key 1: which queue", "sales"],
    ["2", "voicemail", "Key 2: which voicemail", "box"],
  ]) {
    await page.getByLabel("New key").fill(key);
    await button("Add key").click();
    await page.getByLabel(`Key ${key}`, { exact: true }).selectOption(kind);
    await page.getByLabel(which).selectOption(name);
  }
  await page.getByLabel("New key").fill("x");
  assert.ok(await button("Add key").isDisabled());
  await page.keep("forms-2-menu");
  await page.getByLabel("New key").fill("");
  const kept = await saved("voice_menus", "Voice Menu", "main");
  assert.deepEqual(kept.keys, { 1: { queue: "sales" }, 2: { voicemail: "box" } });
});

test("a smart router, whose rules are sentences", async () => {
  await begin("smart_routers", "Smart Router");
  await field("name").fill("door");
  await button("Add rule").click();
  await page.getByLabel("If all of this is so: add a condition").selectOption("source");
  await add("rule-0-when-source", "radio");
  const rules = section("Rules");
  await rules.getByLabel("Then", { exact: true }).selectOption("voice_menu");
  await rules.getByLabel(/^Then: which/).selectOption("main");
  await rules.getByText(/If the source is "?radio/).waitFor();
  await field("otherwise").selectOption("queue");
  await page.getByLabel("Otherwise: which queue").selectOption("sales");
  await page.keep("forms-3-router");
  const kept = await saved("smart_routers", "Smart Router", "door");
  assert.equal(kept.rule.length, 1);
  assert.deepEqual(kept.rule[0].when.source, ["radio"]);
  assert.deepEqual(kept.rule[0].route, { voice_menu: "main" });
  assert.deepEqual(kept.otherwise, { queue: "sales" });
});

test("a geo router", async () => {
  await begin("geo_routers", "Geo Router");
  await field("name").fill("nearest");
  await page.getByLabel(/New entry of ZIP codes/).fill("200");
  await button("Add", section("ZIP codes")).click();
  await field("zips-200").selectOption("queue");
  await page.getByLabel(/^For 200: which/).selectOption("sales");
  await page.keep("forms-4-geo");
  const kept = await saved("geo_routers", "Geo Router", "nearest");
  assert.deepEqual(kept.zips, { 200: { queue: "sales" } });
});

test("a virtual agent", async () => {
  await begin("virtual_agents", "Virtual Agent");
  await field("name").fill("reception");
  await field("url").fill("wss://reception.example.com/calls");
  const kept = await saved("virtual_agents", "Virtual Agent", "reception");
  assert.equal(kept.url, "wss://reception.example.com/calls");
});

test("a trunk, and a wrong address of one is refused at its field", async () => {
  await begin("trunks", "Trunk");
  await field("name").fill("second");
  await add("sources", "203.0.113.0/33");
  await button("Save Changes").click();
  await section("Calls from it").getByRole("alert").waitFor();
  await page.keep("forms-5-trunk-wrong");
  await page.getByRole("button", { name: /Remove 203\.0\.113\.0\/33/ }).click();
  await add("sources", "203.0.113.0/24");
  const kept = await saved("trunks", "Trunk", "second");
  assert.deepEqual(kept.sources, ["203.0.113.0/24"]);
});

test("a tag rule", async () => {
  await begin("tag_rules", "Tag Rule");
  await field("name").fill("long");
  await page.getByLabel("If all of this is so: add a condition").selectOption("talk_at_least");
  await field("when-talk_at_least").fill("5m");
  await page.getByText("If it was talked for 5 min or more").waitFor();
  await add("tags", "long call");
  const kept = await saved("tag_rules", "Tag Rule", "long");
  assert.deepEqual(kept.when, { talk_at_least: "5m" });
  assert.deepEqual(kept.tags, ["long call"]);
});

test("a webhook, whose secret is generated and never shown again", async () => {
  await begin("webhooks", "Webhook");
  await field("name").fill("crm");
  await field("url").fill("https://crm.example.com/calls");
  await button("Generate").click();
  const secret = await field("secret").inputValue();
  assert.match(secret, /^\w{20}$/);
  const kept = await saved("webhooks", "Webhook", "crm");
  assert.equal(kept.secret, undefined);
  assert.equal(await field("secret").inputValue(), "");
  assert.equal(await page.getByText(secret).count(), 0);
});

test("call settings", async () => {
  await begin("call_settings", "Call Settings");
  await field("name").fill("quiet");
  await field("record").setChecked(false);
  await field("max_duration").fill("1h");
  const kept = await saved("call_settings", "Call Settings", "quiet");
  assert.equal(kept.record, false);
  assert.equal(kept.max_duration, "1h");
});

test("a tracking number that leads to the router, and explain follows it all the way", async () => {
  await begin("tracking_numbers", "Tracking Number");
  await field("number").fill("+12025550100");
  await field("source").fill("radio");
  const routing = section("Call Routing");
  await routing.getByRole("radio", { name: "Smart router" }).click();
  await routing.getByLabel("Smart router").last().selectOption("door");
  await button("Save Changes").click();
  await heading("+1 202-555-0100").waitFor();
  await page.visit("/explain?number=%2B12025550100");
  const told = page.locator(".explain");
  for (const name of ["door", "main", "sales", "shop", "box"])
    await told.getByRole("link", { name, exact: true }).first().waitFor();
  await page.keep("forms-6-explain");
  await told.getByRole("link", { name: "main", exact: true }).first().click();
  await heading("main").waitFor();
});
