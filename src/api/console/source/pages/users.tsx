// Users: who may use the console, and how much of it.

import { useState } from "preact/hooks";
import { type Refused, segment, send } from "../lib/api";
import { useNames } from "../lib/names";
import { type Role, session } from "../lib/session";
import { useList } from "../lib/list";
import { asRefused } from "../lib/use";
import { confirm, done, failed, Modal } from "../ui/overlay";
import { ListPanel } from "../ui/list";
import { Badge, Button, Moment, Page, Trouble } from "../ui/parts";
import { about, Wrong } from "../form/box";

interface User {
  name: string;
  role: Role;
  agent?: string;
  has_password?: boolean;
  created_at?: number;
}

export const ROLES: readonly (readonly [Role, string, string])[] = [
  ["viewer", "Viewer", "looks at everything but secrets"],
  ["agent", "Agent", "also sets their own state, and acts on their own calls"],
  ["manager", "Manager", "also changes the directory, acts on calls, deletes recordings"],
  ["admin", "Admin", "everything: users, keys, trunks, SIP accounts, audit"],
];

export function Users() {
  const list = useList<User>("/v1/users", (it) => it.name);
  const [editing, setEditing] = useState<User | "new">();
  const remove = async (name: string) => {
    if (!(await confirm(`Delete ${name}?`, "Their sessions and API keys end at once.", "Delete")))
      return;
    try {
      await send("DELETE", `/v1/users/${segment(name)}`);
      done(`${name} deleted`);
      list.reload();
    } catch (error) {
      failed(error, `${name} was not deleted`);
    }
  };
  return (
    <Page
      title="Users"
      about="People who may use this console and the API."
      actions={
        <Button icon="plus" kind="primary" onClick={() => setEditing("new")}>
          New User
        </Button>
      }
    >
      <ListPanel
        label="Users"
        list={list}
        empty={undefined}
        columns={[
          [
            "Name",
            (it) => (
              <span class="chips first">
                {it.name}
                {it.name === session.get()?.user && <Badge tone="accent">you</Badge>}
                {it.has_password === false && <Badge tone="warn">no password</Badge>}
              </span>
            ),
          ],
          ["Role", (it) => ROLES.find(([key]) => key === it.role)?.[1] ?? it.role],
          ["Agent", (it) => it.agent ?? <span class="muted">-</span>],
          ["Since", (it) => <Moment at={it.created_at} />],
          [
            "",
            (it) => (
              <>
                <Button
                  small
                  icon="edit"
                  kind="plain"
                  label={`Change ${it.name}`}
                  onClick={() => setEditing(it)}
                />
                <Button
                  small
                  icon="trash"
                  kind="plain"
                  label={`Delete ${it.name}`}
                  onClick={() => void remove(it.name)}
                />
              </>
            ),
          ],
        ]}
      />
      {editing && (
        <UserDialog
          user={editing === "new" ? undefined : editing}
          onClose={() => setEditing(undefined)}
          onDone={() => (setEditing(undefined), list.reload())}
        />
      )}
    </Page>
  );
}

function UserDialog({
  user,
  onClose,
  onDone,
}: {
  user?: User;
  onClose: () => void;
  onDone: () => void;
}) {
  const [name, setName] = useState(user?.name ?? "");
  const [role, setRole] = useState<Role>(user?.role ?? "viewer");
  const [agent, setAgent] = useState(user?.agent ?? "");
  const [password, setPassword] = useState("");
  const [wrong, setWrong] = useState<Refused>();
  const [busy, setBusy] = useState(false);
  const faults = wrong?.problem.errors ?? [];
  const at = (field: string) => faults.find((it) => it.pointer === `/${field}`);
  const fault = (field: string) => {
    const found = at(field);
    return found && <Wrong id={`user-${field}`} wrong={found} />;
  };
  const agents = useNames("agents") ?? [];
  const save = async () => {
    setBusy(true);
    setWrong(undefined);
    const body = { role, ...(agent ? { agent } : {}), ...(password ? { password } : {}) };
    try {
      if (user) await send("PUT", `/v1/users/${segment(user.name)}`, body);
      else await send("POST", "/v1/users", { name: name.trim(), ...body });
      done(user ? `${user.name} changed` : `${name} created`);
      onDone();
    } catch (error) {
      setWrong(asRefused(error));
      setBusy(false);
    }
  };
  const known = ["name", "agent", "password"].some(at);
  return (
    <Modal
      title={user ? `Change ${user.name}` : "New User"}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            kind="primary"
            busy={busy}
            disabled={!user && (name.trim() === "" || password === "")}
            onClick={save}
          >
            {user ? "Save Changes" : "Create"}
          </Button>
        </>
      }
    >
      {wrong && !known && <Trouble error={wrong} />}
      {!user && (
        <div class="field">
          <label for="user-name">User name</label>
          <input
            id="user-name"
            class="input"
            value={name}
            autocomplete="off"
            autofocus
            {...about("user-name", at("name"), false)}
            onInput={(e) => setName(e.currentTarget.value)}
          />
          {fault("name")}
        </div>
      )}
      <fieldset style={{ border: "0", padding: "0", margin: "0" }}>
        <legend class="label" style={{ padding: "0", marginBottom: "6px" }}>
          Role
        </legend>
        <div class="stack tight">
          {ROLES.map(([key, label, about]) => (
            <label key={key} class="check">
              <input
                type="radio"
                name="role"
                value={key}
                checked={role === key}
                onChange={() => setRole(key)}
              />
              <span>
                <span class="label">{label}</span> <span class="muted">{about}</span>
              </span>
            </label>
          ))}
        </div>
      </fieldset>
      <div class="field">
        <label for="user-agent">Agent</label>
        <select
          id="user-agent"
          class="select"
          value={agent}
          onChange={(e) => setAgent(e.currentTarget.value)}
        >
          <option value="">Nobody</option>
          {agents.map((it) => (
            <option key={it} value={it}>
              {it}
            </option>
          ))}
        </select>
        {fault("agent")}
        <div class="help">The agent of the directory that this user is.</div>
      </div>
      <div class="field">
        <label for="user-password">Password</label>
        <input
          id="user-password"
          class="input"
          type="password"
          autocomplete="new-password"
          value={password}
          placeholder={user ? "stays as it is" : ""}
          {...about("user-password", at("password"), false)}
          onInput={(e) => setPassword(e.currentTarget.value)}
        />
        {fault("password")}
        <div class="help">
          {user ? "A new one ends their sessions." : "At least 10 characters."}
        </div>
      </div>
    </Modal>
  );
}
