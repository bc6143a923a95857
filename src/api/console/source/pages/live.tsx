// Calls that are not over: who rings, who talks, and what can be done about it.

import { useMemo, useRef, useState } from "preact/hooks";
import { segment, send } from "../lib/api";
import { line, useFresh } from "../lib/events";
import { showNumber } from "../lib/phone";
import type { LiveCall, LiveLeg } from "../lib/records";
import { hrefOf, useParameter } from "../lib/router";
import { readRoute } from "../lib/route";
import type { Json } from "../lib/document";
import { may } from "../lib/session";
import { toMs } from "../lib/time";
import { useFetch, useWatched } from "../lib/use";
import { plural } from "../lib/words";
import { RoutePicker } from "../form/route";
import { confirm, done, failed, Modal } from "../ui/overlay";
import { Find } from "../ui/list";
import { Badge, Button, Empty, Loading, Page, Segmented, type Tone, Trouble } from "../ui/parts";
import { Running } from "../ui/ticking";

/** As many as the API gives at once. */
const LIMIT = 1000;
/** Of more than so many, nobody wants each to be read out as it comes and goes. */
const READ_OUT = 20;

/** Who rings, who waits, who talks: the states of a call, as far as one looks for them. */
const WHICH = [
  ["", "All", () => true],
  ["ringing", "Ringing", (it: LiveCall) => it.state === "dialling" || it.state === "ringing"],
  ["waiting", "Waiting", (it: LiveCall) => it.state === "waiting"],
  ["talking", "Talking", (it: LiveCall) => it.state === "talking"],
] as const;
type Which = (typeof WHICH)[number][0];

export function Live() {
  const path = `/v1/calls?limit=${LIMIT}`;
  const calls = useFetch<{ items: LiveCall[]; total?: number }>(path, 10_000);
  const items = useUnchanged(calls.data?.items ?? NOBODY);
  // Of a few calls each step is seen as it comes; of hundreds something happens all the time.
  useFresh(calls.reload, items.length > 50 ? 1500 : 250);
  const [text, setText] = useParameter("q");
  const [asked, ask] = useParameter("state");
  const which = WHICH.find(([key]) => key === asked) ?? WHICH[0];
  const shown = items.filter((it) => which[2](it) && speaksOf(it, text));
  return (
    <Page
      title="Live Calls"
      wide
      about={items.length > 0 ? plural(calls.data?.total ?? items.length, "call") : undefined}
      actions={<Connection />}
    >
      {calls.error && <Trouble error={calls.error} retry={calls.reload} />}
      <section
        class="panel flush"
        aria-label="Live calls"
        aria-live={items.length <= READ_OUT ? "polite" : "off"}
        aria-relevant="additions removals"
      >
        {(items.length > 5 || text || asked) && (
          <header>
            <div class="toolbar grow">
              <Find
                label="Search live calls"
                hint="number, name, source"
                text={text}
                onText={setText}
              />
              <Segmented<Which>
                label="Which"
                value={which[0]}
                options={WHICH.map(([key, said, fits]) => [
                  key,
                  `${said} ${items.filter(fits).length}`,
                ])}
                onChange={ask}
              />
            </div>
          </header>
        )}
        <div class="body">
          {!calls.data && calls.loading ? (
            <div class="waits">
              <Loading />
            </div>
          ) : items.length === 0 ? (
            <Empty icon="live" title="Nobody is calling">
              Calls appear here the moment they arrive: who rings, who talks, for how long.
            </Empty>
          ) : shown.length === 0 ? (
            <Empty icon="search" title="No call fits">
              {plural(items.length, "call")} {items.length === 1 ? "is" : "are"} not shown.
            </Empty>
          ) : (
            shown.map((it) => <Call key={it.id} call={it} onDone={calls.reload} />)
          )}
        </div>
      </section>
    </Page>
  );
}

const NOBODY: LiveCall[] = [];

function Connection() {
  const connection = useWatched(line);
  const open = connection === "open";
  return (
    <Badge tone={open ? "good" : "warn"} dot={open ? "live" : true}>
      {open ? "live" : connection === "lost" ? "connecting again" : "connecting"}
    </Badge>
  );
}

/** The same calls as before where nothing happened to them, so that they are not drawn again. */
function useUnchanged(items: LiveCall[]): LiveCall[] {
  const before = useRef(new Map<string, LiveCall>());
  return useMemo(() => {
    const now = items.map((it) => {
      const known = before.current.get(it.id);
      return known && JSON.stringify(known) === JSON.stringify(it) ? known : it;
    });
    before.current = new Map(now.map((it) => [it.id, it]));
    return now;
  }, [items]);
}

/** Whether a call has to do with what somebody looks for. */
function speaksOf(call: LiveCall, text: string): boolean {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return true;
  const said = [call.caller, call.caller_name, call.tracking_number, call.source, call.route]
    .concat(call.legs.flatMap((it) => [it.destination, it.agent]))
    .join(" ")
    .toLowerCase();
  const digits = wanted.replace(/\D/g, "");
  return said.includes(wanted) || (digits.length > 2 && said.replace(/\D/g, "").includes(digits));
}

const STATES: Record<string, [string, Tone]> = {
  arrived: ["Arrived", ""],
  greeting: ["Hears the greeting", "accent"],
  dialling: ["Dialling", "accent"],
  ringing: ["Ringing", "accent"],
  menu: ["In a menu", "accent"],
  waiting: ["Waiting", "warn"],
  message: ["Leaving a message", "accent"],
  agent: ["With a virtual agent", "accent"],
  talking: ["Talking", "good"],
  ended: ["Ending", ""],
};

interface CallProps {
  call: LiveCall;
  onDone: () => void;
}

/** Drawn again only when something happened to it. */
function Call({ call, onDone }: CallProps) {
  return useMemo(() => <Card call={call} onDone={onDone} />, [call, onDone]);
}

function Card({ call, onDone }: CallProps) {
  const [text, tone] = STATES[call.state] ?? [call.state, ""];
  return (
    <article class="live-call" aria-label={`Call from ${call.caller}`}>
      <div class="stack tight">
        <a class="first" href={hrefOf(`/calls/${segment(call.id)}`)}>
          {call.caller ? showNumber(call.caller) : "No number"}
        </a>
        {call.caller_name && <span class="muted">{call.caller_name}</span>}
        <span class="muted small">
          to {showNumber(call.tracking_number)}
          {call.source && <> from {call.source}</>}
        </span>
      </div>
      <div class="stack tight">
        <div class="row">
          <Badge tone={tone} dot="live">
            {text}
          </Badge>
          <Running since={toMs(call.since)} style="clock" title="In this state" />
          <span class="muted small">
            of <Running since={toMs(call.received_at)} title="Since it came" />
          </span>
          {call.recording === "on" && (
            <Badge tone="bad" dot="live">
              recording
            </Badge>
          )}
          {call.recording === "stopped" && <Badge>recording stopped</Badge>}
          {call.recording === "prevented" && <Badge>not recorded</Badge>}
        </div>
        {call.route && <span class="muted small clip">{call.route}</span>}
        <div class="legs">
          {call.legs
            .filter((it) => it.state !== "ended")
            .map((it) => (
              <Leg key={it.leg} leg={it} />
            ))}
        </div>
      </div>
      {may("agent") && call.state !== "ended" && <Actions call={call} onDone={onDone} />}
    </article>
  );
}

const LEGS: Record<string, [string, Tone]> = {
  dialling: ["dialling", ""],
  ringing: ["ringing", "accent"],
  answered: ["answered, not connected yet", "accent"],
  whisper: ["hears the whisper", "accent"],
  connected: ["talking", "good"],
  ended: ["ended", ""],
};

function Leg({ leg }: { leg: LiveLeg }) {
  const [text, tone] = LEGS[leg.state] ?? [leg.state, ""];
  return (
    <div class="leg">
      <span class={`dot ${tone}`} />
      <span class="first clip">{leg.destination}</span>
      {leg.agent && leg.agent !== leg.destination && <span class="muted">{leg.agent}</span>}
      <span class="muted small">{text}</span>
      <Running since={toMs(leg.since)} style="num small" />
    </div>
  );
}

function Actions({ call, onDone }: { call: LiveCall; onDone: () => void }) {
  const [transferring, setTransferring] = useState(false);
  const act = async (what: string, body: unknown, said: string) => {
    try {
      await send("POST", `/v1/calls/${segment(call.id)}/${what}`, body);
      done(said);
      onDone();
      return true;
    } catch (error) {
      failed(error);
      return false;
    }
  };
  const hangUp = async () => {
    if (
      await confirm(
        "Hang up this call?",
        `The caller ${call.caller ? showNumber(call.caller) : ""} and everybody who rings or ` +
          "talks is hung up.",
        "Hang up",
      )
    )
      await act("hangup", undefined, "Hung up");
  };
  const whispering = call.legs.some((it) => it.state === "whisper");
  const talking = call.state === "talking";
  return (
    <div class="row" role="group" aria-label="Actions">
      {whispering && (
        <Button small onClick={() => void act("whisper", { play: false }, "Whisper skipped")}>
          Skip whisper
        </Button>
      )}
      {talking && call.recording === "on" && (
        <Button
          small
          icon="stop"
          onClick={() => void act("recording", { on: false }, "Recording stopped")}
        >
          Stop recording
        </Button>
      )}
      {talking && (call.recording === "stopped" || call.recording === "none") && (
        <Button
          small
          icon="record"
          onClick={() => void act("recording", { on: true }, "Recording started")}
        >
          Record
        </Button>
      )}
      {talking && (
        <Button small icon="transfer" onClick={() => setTransferring(true)}>
          Transfer
        </Button>
      )}
      <Button small icon="hangup" kind="danger" onClick={() => void hangUp()}>
        Hang up
      </Button>
      {transferring && (
        <Transfer
          onClose={() => setTransferring(false)}
          onTransfer={async (to) =>
            (await act("transfer", to, "The caller is put through")) && setTransferring(false)
          }
        />
      )}
    </div>
  );
}

function Transfer({
  onClose,
  onTransfer,
}: {
  onClose: () => void;
  onTransfer: (to: Json) => void;
}) {
  const [value, setValue] = useState<Json | undefined>({ dial: [] });
  const route = readRoute(value);
  const ready =
    route !== undefined &&
    route.kind !== "hangup" &&
    (route.kind === "dial" ? route.numbers.length > 0 : route.name !== "");
  return (
    <Modal
      title="Put the caller through"
      wide
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            kind="primary"
            disabled={!ready}
            onClick={() =>
              value !== undefined &&
              onTransfer(route?.kind === "dial" ? { dial: route.numbers } : value)
            }
          >
            Transfer
          </Button>
        </>
      }
    >
      <p class="muted">
        Every setting of where it goes holds again: whisper, recording, caller ID.
      </p>
      <RoutePicker id="transfer" label="Transfer to" value={value} onChange={setValue} />
    </Modal>
  );
}
