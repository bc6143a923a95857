// Calls that are not over: who rings, who talks, and what can be done about it.

import { useState } from "preact/hooks";
import { segment, send } from "../lib/api";
import { line, useFresh } from "../lib/events";
import { showNumber } from "../lib/phone";
import type { LiveCall, LiveLeg } from "../lib/records";
import { hrefOf } from "../lib/router";
import { readRoute } from "../lib/route";
import type { Json } from "../lib/document";
import { may } from "../lib/session";
import { clock, toMs } from "../lib/time";
import { useFetch, useNow, useWatched } from "../lib/use";
import { plural } from "../lib/words";
import { RoutePicker } from "../form/route";
import { confirm, done, failed, Modal } from "../ui/overlay";
import { Badge, Button, Empty, Loading, Page, type Tone, Trouble } from "../ui/parts";

export function Live() {
  const calls = useFetch<{ items: LiveCall[]; total?: number }>("/v1/calls?limit=200", 10_000);
  useFresh(calls.reload, 250);
  const connection = useWatched(line);
  const now = useNow(500);
  const items = calls.data?.items ?? [];
  const total = calls.data?.total ?? items.length;
  const talking = items.filter((it) => it.state === "talking").length;
  return (
    <Page
      title="Live Calls"
      wide
      about={items.length > 0 ? `${plural(total, "call")} now, ${talking} talking` : undefined}
      actions={
        <Badge
          tone={connection === "open" ? "good" : "warn"}
          dot={connection === "open" ? "live" : true}
        >
          {connection === "open"
            ? "live"
            : connection === "lost"
              ? "connecting again"
              : "connecting"}
        </Badge>
      }
    >
      {calls.error && <Trouble error={calls.error} retry={calls.reload} />}
      <section
        class="panel flush"
        aria-label="Live calls"
        aria-live="polite"
        aria-relevant="additions removals"
      >
        <div class="body">
          {!calls.data && calls.loading ? (
            <div style={{ padding: "16px" }}>
              <Loading />
            </div>
          ) : items.length === 0 ? (
            <Empty icon="live" title="Nobody is calling">
              Calls appear here the moment they arrive: who rings, who talks, for how long.
            </Empty>
          ) : (
            items.map((it) => <Call key={it.id} call={it} now={now} onDone={calls.reload} />)
          )}
        </div>
      </section>
    </Page>
  );
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

function Call({ call, now, onDone }: { call: LiveCall; now: number; onDone: () => void }) {
  const [text, tone] = STATES[call.state] ?? [call.state, ""];
  return (
    <article class="live-call" aria-label={`Call from ${call.caller}`}>
      <div class="stack tight">
        <a
          class="first"
          href={hrefOf(`/calls/${segment(call.id)}`)}
          style={{ fontSize: "1.08rem" }}
        >
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
          <span class="clock" title="In this state">
            {clock(now - toMs(call.since))}
          </span>
          <span class="muted small">of {clock(now - toMs(call.received_at))}</span>
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
              <Leg key={it.leg} leg={it} now={now} />
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

function Leg({ leg, now }: { leg: LiveLeg; now: number }) {
  const [text, tone] = LEGS[leg.state] ?? [leg.state, ""];
  return (
    <div class="leg">
      <span class={`dot ${tone}`} />
      <span class="first clip">{leg.destination}</span>
      {leg.agent && leg.agent !== leg.destination && <span class="muted">{leg.agent}</span>}
      <span class="muted small">{text}</span>
      <span class="num small">{clock(now - toMs(leg.since))}</span>
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
