// What goes wrong around a running edge, and how the console says it: each with a real cause, which
// is taken away again. The tests are one story.

import assert from "node:assert/strict";
import path from "node:path";
import { after, afterEach, before, test } from "node:test";
import {
  api,
  Browser,
  CARRIER,
  Disk,
  Edge,
  enter,
  hands,
  looked,
  newKey,
  Postgres,
  RECEIVER,
  Receiver,
  SHOP,
  Storage,
  Telephone,
  until,
} from "./world.mjs";

const NUMBER = "+12025550100";
const DIRECTORY = `
[[receiving_number]]
name = "shop"
number = "sip:shop@${SHOP}:5060"

[[tracking_number]]
number = "${NUMBER}"
source = "radio"
dial = ["shop"]

[[webhook]]
name = "crm"
url = "http://${RECEIVER}:8790/calls"
secret = "a secret of sixteen"
allow_private = true
give_up_after = "1s"

[[trunk]]
name = "carrier"
sources = ["${CARRIER}"]
addresses = ["${SHOP}:5060"]
default = true
probe = "off"
`;
// Whom a trunk asks whether it is there, and nobody is.
const BACKUP = `
[[trunk]]
name = "backup"
addresses = ["${RECEIVER}:5099"]
probe = "1s"
probe_down_after = 2
`;

let edge, browser, page, receiver, storage, disk;
let button, heading, menu, said, alert;
const phones = [];

before(async () => {
  receiver = await Receiver.at(RECEIVER, 8790);
  storage = await Storage.at(RECEIVER, 8791);
  edge = Edge.inFolder();
  disk = Disk.mount(path.join(edge.folder, "data"), 40_000);
  await edge.start();
  browser = await Browser.open();
  page = await browser.window();
  ({ button, heading, menu, said } = hands(page));
  alert = (text) => page.getByRole("alert").filter({ hasText: text });
  phones.push(Telephone.answering(SHOP));
  await enter(page, edge);
  await directory(DIRECTORY);
});

afterEach((told) => looked(page, told));

after(async () => {
  for (const phone of phones) phone.stop();
  await browser?.close();
  await edge?.ends();
  disk?.drop();
  await edge?.stop();
  receiver?.stop();
  storage?.stop();
});

async function directory(toml) {
  const type = { "Content-Type": "application/toml" };
  const taken = await api(page, "PUT", "/v1/directory", toml, type);
  assert.equal(taken.status, 200, JSON.stringify(taken.body));
}

async function calls() {
  const calling = Telephone.calling(NUMBER, 2, edge.folder);
  phones.push(calling);
  assert.equal(await calling.over, 0, calling.said);
}

const dead = async () =>
  (await api(page, "GET", "/v1/deliveries?limit=1")).body.counts.reduce(
    (sum, it) => sum + it.dead,
    0,
  );

test("the dashboard of an edge that is well says nothing of troubles", async () => {
  await heading("Dashboard").waitFor();
  await page.getByText("up", { exact: true }).waitFor();
  assert.equal(await page.getByRole("alert").count(), 0);
  assert.equal(await page.getByText(/\d+ troubles?$/).count(), 0);
});

test("what a webhook did not take is told, and all of it is tried again, in order", async () => {
  for (let call = 0; call < 2; call++) await calls();
  const count = await until("they are given up", async () => {
    const { items, counts } = (await api(page, "GET", "/v1/deliveries?limit=100")).body;
    const over = items.filter((it) => it.event === "call.ended").length;
    return over === 2 && counts[0].waiting === 0 && counts[0].dead;
  });
  await page.reload();
  await page.getByText(`${count} events were given up`).waitFor();
  await page.keep("troubles-1-given-up");
  await page.getByRole("main").getByRole("link", { name: "Deliveries" }).click();
  await page.getByRole("radio", { name: `Given up (${count})` }).waitFor();
  await page.keep("troubles-2-deliveries");
  receiver.status = 204;
  const before = receiver.heard.length;
  await button("Try all again").click();
  await said(`${count} deliveries tried again`).waitFor();
  await heading("Nothing was given up").waitFor();
  await until("all are told", () => receiver.heard.length - before >= count);
  assert.equal(await dead(), 0);
  const seen = new Map();
  for (const { body } of receiver.heard.slice(before)) {
    assert.ok(body.seq > (seen.get(body.call) ?? 0), `${body.call}: ${body.seq}`);
    seen.set(body.call, body.seq);
  }
  assert.equal(seen.size, 2);
});

test("a trunk that does not answer is told with its address, and what it means", async () => {
  await directory(DIRECTORY + BACKUP);
  await menu("Dashboard").click();
  const note = alert("Trunk backup is down");
  await note.getByText(`${RECEIVER}:5099 does not answer`, { exact: false }).waitFor();
  await note.getByText("No call leaves through it.", { exact: false }).waitFor();
  await page.keep("troubles-3-trunk");
  await menu("Call Log").click();
  await page.getByRole("link", { name: /Dashboard 1 trouble/ }).waitFor();
  await menu("Trunks").click();
  await page.getByRole("row").filter({ hasText: "backup" }).getByText("down").waitFor();
  await directory(DIRECTORY);
  await page.getByRole("link", { name: "Dashboard", exact: true }).click();
  await note.waitFor({ state: "detached" });
});

test("a full disk is told before all else, and when there is room it goes on", async (told) => {
  if (!disk) return told.skip("nothing can be mounted");
  disk.fill();
  await calls();
  await alert("The disk takes no call records").waitFor();
  await page.keep("troubles-4-disk");
  disk.empty();
  await alert("The disk takes no call records").waitFor({ state: "detached", timeout: 30_000 });
  await until("nothing is wrong", async () => (await page.getByRole("alert").count()) === 0);
  const { items } = (await api(page, "GET", "/v1/records")).body;
  assert.equal(items.length, 3, "no call is lost");
});

test("a folder that is read-only, and a storage that refuses, keep recordings here", async (told) => {
  if (!disk) return told.skip("nothing can be mounted");
  await edge.ends();
  const folder = path.join(edge.folder, "recordings");
  const tapes = Disk.mount(folder, 4000);
  const kept = (more) => (config) => `${config}\n[recordings]\nfolder = "${folder}"\n${more}`;
  try {
    await edge.start(kept(""));
    await page.visit("/");
    await heading("Dashboard").waitFor();
    await calls();
    await until("it is kept", async () => {
      const { items } = (await api(page, "GET", "/v1/recordings")).body;
      return items.some((it) => it.state === "local");
    });
    await edge.ends();
    tapes.again("ro");
    const sealed = `recipients = ["${newKey()}"]
storage.url = "s3://tapes"
storage.endpoint = "http://${RECEIVER}:8791"
storage.key_id = "AKIAEXAMPLE"
storage.secret = "a-long-one"
`;
    await edge.start(kept(sealed));
    await page.visit("/");
    const sealing = alert("Recordings cannot be sealed");
    await sealing.getByText(/Read-only file system/).waitFor();
    await page.keep("troubles-5-sealing");
    tapes.again("rw");
    const refused = alert("The object storage takes no recordings");
    await refused.getByText(/403 Forbidden/).waitFor({ timeout: 45_000 });
    // The storage is asked what it has while sealing waits for its next turn.
    await sealing.waitFor({ state: "detached", timeout: 45_000 });
    await page.keep("troubles-6-storage");
    await page.getByRole("link", { name: "Recordings" }).last().click();
    await page.getByText("on this edge", { exact: true }).first().waitFor();
    await page.keep("troubles-7-recordings");
    storage.refuses = false;
    await page.getByText("in the object storage").first().waitFor({ timeout: 45_000 });
    assert.ok([...storage.kept.keys()].every((it) => it.endsWith(".wav.age")));
    await menu("Dashboard").click();
    await until("nothing is wrong", async () => (await page.getByRole("alert").count()) === 0);
  } finally {
    await edge.ends();
    tapes?.drop();
  }
});

test("a database that is away is told with what waits, and with what still works", async (told) => {
  const database = Postgres.start();
  if (!database) return told.skip("there is no PostgreSQL");
  await edge.ends();
  const other = Edge.inFolder();
  try {
    await other.start((config) =>
      config.replace("[store]", `[store]\ndatabase = "${database.url}"`),
    );
    await page.context().clearCookies();
    await enter(page, other);
    await directory(DIRECTORY);
    database.end();
    const away = alert("The database does not answer");
    await away.getByText("Calls go on by what was read last.").waitFor({ timeout: 45_000 });
    const calling = Telephone.calling(NUMBER, 2, other.folder);
    phones.push(calling);
    assert.equal(await calling.over, 0, calling.said);
    await page.keep("troubles-8-database");
    await page.visit("/receiving_numbers");
    await page.getByRole("heading", { name: "The database does not answer" }).waitFor();
    await page.keep("troubles-9-silent");
    database.begin();
    await heading("Receiving Numbers").waitFor({ timeout: 45_000 });
    await page.getByRole("row").filter({ hasText: "shop" }).waitFor();
    await page.visit("/");
    await until(
      "nothing is wrong",
      async () =>
        (await page.getByRole("alert").count()) === 0 &&
        (await page.getByText("1 answered").isVisible()),
      60_000,
    );
  } finally {
    await other.stop();
    database.drop();
  }
});
