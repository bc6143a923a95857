// API keys: for programs. A key is shown once.

import { useState } from "preact/hooks";
import { segment, send } from "../lib/api";
import { useList } from "../lib/list";
import type { Role } from "../lib/session";
import { asRefused } from "../lib/use";
import { confirm, done, failed, Modal } from "../ui/overlay";
import { ListPanel } from "../ui/list";
import { Badge, Button, CopyButton, Empty, Moment, Note, Page } from "../ui/parts";
import { ROLES } from "./users";

interface Key {
  id: string;
  name: string;
  role: Role;
  user?: string;
  created_at?: number;
  expires_at?: number;
  used_at?: number;
  last_used_at?: number;
}

export function Keys() {
  const list = useList<Key>("/v1/keys", (it) => it.id);
  const [making, setMaking] = useState(false);
  const remove = async (it: Key) => {
    if (
      !(await confirm(
        `Revoke ${it.name}?`,
        "Whatever uses this key is refused from now on.",
        "Revoke",
      ))
    )
      return;
    try {
      await send("DELETE", `/v1/keys/${segment(it.id)}`);
      done(`${it.name} revoked`);
      list.reload();
    } catch (error) {
      failed(error);
    }
  };
  const create = (
    <Button icon="plus" kind="primary" onClick={() => setMaking(true)}>
      New API Key
    </Button>
  );
  return (
    <Page
      title="API Keys"
      about="A program sends its key as Authorization: Bearer KEY. It may do what its role may."
      actions={create}
    >
      <ListPanel
        label="API keys"
        list={list}
        columns={[
          ["Name", (it) => it.name, "first"],
          ["Role", (it) => <Badge>{it.role}</Badge>],
          ["Whose", (it) => it.user ?? "-"],
          ["Made", (it) => <Moment at={it.created_at} />],
          ["Last used", (it) => <Moment at={it.used_at ?? it.last_used_at} relative />],
          [
            "Until",
            (it) =>
              it.expires_at ? <Moment at={it.expires_at} /> : <span class="muted">for ever</span>,
          ],
          [
            "",
            (it) => (
              <Button
                small
                icon="trash"
                kind="plain"
                label={`Revoke ${it.name}`}
                onClick={() => void remove(it)}
              />
            ),
          ],
        ]}
        empty={
          <Empty icon="key" title="No API keys yet" action={create}>
            Make one for each program, with the smallest role that will do.{" "}
            <a href="/docs">Everything the console does is in the API.</a>
          </Empty>
        }
      />
      {making && <NewKey onClose={() => (setMaking(false), list.reload())} />}
    </Page>
  );
}

function NewKey({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const [days, setDays] = useState("");
  const [made, setMade] = useState("");
  const [wrong, setWrong] = useState("");
  const make = async () => {
    setWrong("");
    try {
      const expires_at = days ? (Date.now() + Number(days) * 86_400_000) * 1000 : undefined;
      setMade(
        (await send<{ key: string }>("POST", "/v1/keys", { name: name.trim(), role, expires_at }))
          .key,
      );
    } catch (error) {
      const { problem } = asRefused(error);
      setWrong(problem.detail ?? problem.title);
    }
  };
  if (made) {
    return (
      <Modal
        title="Copy the key now"
        onClose={onClose}
        footer={
          <Button kind="primary" onClick={onClose}>
            Done
          </Button>
        }
      >
        <Note tone="warn">It is not shown again. Who has it may do what its role may.</Note>
        <div class="row" style={{ flexWrap: "nowrap" }}>
          <code class="card sunken grow break" data-key>
            {made}
          </code>
          <CopyButton text={made} />
        </div>
      </Modal>
    );
  }
  return (
    <Modal
      title="New API Key"
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" disabled={name.trim() === ""} onClick={make}>
            Create
          </Button>
        </>
      }
    >
      {wrong && <Note tone="bad">{wrong}</Note>}
      <div class="field">
        <label for="key-name">What it is for</label>
        <input
          id="key-name"
          class="input"
          value={name}
          placeholder="reporting"
          autofocus
          onInput={(e) => setName(e.currentTarget.value)}
        />
      </div>
      <div class="field">
        <label for="key-role">Role</label>
        <select
          id="key-role"
          class="select"
          value={role}
          onChange={(e) => setRole(e.currentTarget.value as Role)}
        >
          {ROLES.map(([key, label, about]) => (
            <option key={key} value={key}>
              {label}: {about}
            </option>
          ))}
        </select>
      </div>
      <div class="field">
        <label for="key-days">Expires</label>
        <select
          id="key-days"
          class="select"
          value={days}
          onChange={(e) => setDays(e.currentTarget.value)}
        >
          <option value="">Never</option>
          <option value="30">In 30 days</option>
          <option value="90">In 90 days</option>
          <option value="365">In a year</option>
        </select>
      </div>
    </Modal>
  );
}
