// How things are now: queues, agents, trunks and phones, beside their settings.

import type { FunctionComponent } from "preact";
import { segment, send } from "../lib/api";
import { may, session } from "../lib/session";
import { refreshStatus, type TrunkAddress, useStatus } from "../lib/status";
import { sayTime } from "../lib/time";
import { useFetch } from "../lib/use";
import { failed } from "../ui/overlay";
import { Table } from "../ui/list";
import { Badge, Moment, type Tone } from "../ui/parts";

export interface Registration {
  account: string;
  contact: string;
  address: string;
  transport: string;
  expires: number;
}

export function useRegistrations(account?: string) {
  const path = `/v1/registrations${account ? `?account=${segment(account)}` : ""}`;
  return useFetch<{ items: Registration[] }>(path, 5000).data?.items;
}

interface Column {
  title: string;
  Cell: FunctionComponent<{ name: string }>;
}

export function liveColumns(kind: string): Column[] {
  switch (kind) {
    case "queue":
      return [{ title: "Now", Cell: QueueNow }];
    case "agent":
      return [{ title: "State", Cell: AgentNow }];
    case "trunk":
      return [{ title: "Health", Cell: TrunkNow }];
    case "account":
      return [{ title: "Phones", Cell: PhonesNow }];
    default:
      return [];
  }
}

function QueueNow({ name }: { name: string }) {
  const found = useStatus()?.queues?.find((it) => it.name === name);
  if (!found) return <span class="muted">-</span>;
  return (
    <span class="row nowrap">
      <Badge tone={found.waiting > 0 ? "warn" : ""} dot={found.waiting > 0 ? "live" : undefined}>
        {found.waiting} waiting
      </Badge>
      <Badge tone={found.free > 0 ? "good" : ""}>{found.free} free</Badge>
    </span>
  );
}

const STATES: Record<string, Tone> = {
  available: "good",
  busy: "accent",
  ringing: "accent",
  wrap_up: "warn",
  away: "",
};

export function AgentNow({ name }: { name: string }) {
  const found = useStatus()?.agents?.find((it) => it.name === name);
  const own = may("manager") || session.get()?.agent === name;
  if (!found) return <span class="muted">-</span>;
  const change = async (state: string) => {
    try {
      await send("PUT", `/v1/agents/${segment(name)}/state`, { state });
      await refreshStatus();
    } catch (error) {
      failed(error);
    }
  };
  const away = (found.presence ?? found.state) === "away";
  return (
    <span class="row nowrap">
      <Badge tone={STATES[found.state] ?? ""} dot>
        {found.state.replaceAll("_", " ")}
      </Badge>
      {away && found.state !== "away" && <Badge>then away</Badge>}
      {own && (
        <button
          type="button"
          class="button link small"
          onClick={() => void change(away ? "available" : "away")}
        >
          {away ? "Set available" : "Set away"}
        </button>
      )}
    </span>
  );
}

export function health(addresses: TrunkAddress[]): { tone: Tone; text: string } {
  const up = addresses.filter((it) => it.state === "up").length;
  if (addresses.length === 0) return { tone: "", text: "inbound only" };
  if (up === addresses.length) return { tone: "good", text: "up" };
  if (up > 0) return { tone: "warn", text: `${up} of ${addresses.length} up` };
  return addresses.some((it) => it.state === "cooling")
    ? { tone: "warn", text: "failed just now" }
    : { tone: "bad", text: "down" };
}

function TrunkNow({ name }: { name: string }) {
  const found = useStatus()?.trunks?.find((it) => it.name === name);
  if (!found) return <span class="muted">-</span>;
  return <Health of={found.addresses} />;
}

export function Health({ of }: { of: TrunkAddress[] }) {
  const { tone, text } = health(of);
  return (
    <Badge tone={tone} dot>
      {text}
    </Badge>
  );
}

function PhonesNow({ name }: { name: string }) {
  const phones = useRegistrations(name);
  if (!phones) return <span class="muted">-</span>;
  return phones.length > 0 ? (
    <Badge tone="good" dot>
      {phones.length} registered
    </Badge>
  ) : (
    <Badge>not registered</Badge>
  );
}

export function QueueState({ name }: { name: string }) {
  const found = useStatus()?.queues?.find((it) => it.name === name);
  if (!found) return null;
  return (
    <div class="tiles">
      <div class="tile">
        <div class="what">Waiting</div>
        <div class="value">{found.waiting}</div>
      </div>
      <div class="tile">
        <div class="what">Members free</div>
        <div class="value">{found.free}</div>
      </div>
      <div class="tile">
        <div class="what">Longest wait</div>
        <div class="value">{found.longest_ms ? sayTime(found.longest_ms) : "-"}</div>
      </div>
    </div>
  );
}

export function TrunkState({ name }: { name: string }) {
  const found = useStatus()?.trunks?.find((it) => it.name === name);
  if (!found || found.addresses.length === 0) return null;
  return (
    <section class="panel flush" aria-label="Health">
      <header>
        <h2>Health</h2>
      </header>
      <Table
        items={found.addresses}
        keyOf={(it) => it.address}
        columns={[
          ["Address", (it) => it.address, "mono"],
          ["State", (it) => <Health of={[it]} />],
          ["Since", (it) => <Moment at={it.since} />],
          ["Last answer", (it) => (it.last_status ? `SIP ${it.last_status}` : "-")],
        ]}
      />
    </section>
  );
}

/** Where phones register, as the one who reads this reaches it. */
export function registersAt(at: { address: string; transports: string[] }[] | undefined) {
  return (at ?? []).map((it) => ({
    ...it,
    address: it.address.replace(/^(0\.0\.0\.0|\[::\])(?=:)/, location.hostname),
  }));
}

/** What a softphone asks for. */
function PhoneSetup({ user }: { user: string }) {
  const at = registersAt(useStatus()?.registrations?.at);
  if (at.length === 0) return <p class="muted">This edge takes no phones: no listener does.</p>;
  return (
    <dl class="facts" style={{ marginTop: "8px" }}>
      <dt>Server</dt>
      <dd class="mono">
        {at.map((it) => (
          <div key={it.address}>
            {it.address} <span class="muted">{it.transports.join(", ")}</span>
          </div>
        ))}
      </dd>
      <dt>User</dt>
      <dd class="mono">{user}</dd>
      <dt>Password</dt>
      <dd>the one of this account; it is not shown again</dd>
    </dl>
  );
}

export function PhonesState({ name }: { name: string }) {
  const phones = useRegistrations(name);
  return (
    <section class="panel flush" aria-label="Registered phones">
      <header>
        <h2>Registered phones</h2>
      </header>
      {phones && phones.length === 0 && (
        <div class="body" style={{ padding: "14px 16px" }}>
          <p class="muted">No phone has registered as {name} yet. In a softphone, type:</p>
          <PhoneSetup user={name} />
        </div>
      )}
      {phones && phones.length > 0 && (
        <Table
          items={phones}
          keyOf={(it) => it.contact}
          columns={[
            ["Contact", (it) => it.contact, "mono break"],
            ["From", (it) => it.address, "mono"],
            ["By", (it) => it.transport.toUpperCase()],
            ["Until", (it) => <Moment at={it.expires} />],
          ]}
        />
      )}
    </section>
  );
}
