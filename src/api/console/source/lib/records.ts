// Call records and live calls, as the API tells them (`src/model/record.rs`, `src/api/live/`).
// Moments are microseconds since 1970, lengths milliseconds.

export interface Cause {
  sip: number;
  q850?: number | null;
  reason: string;
  local: boolean;
}

export interface Quality {
  packets_received: number;
  packets_sent: number;
  packets_lost: number;
  jitter_ms: number;
  remote_lost?: number | null;
  remote_jitter_ms?: number | null;
  round_trip_ms?: number | null;
}

export interface LegRecord {
  leg: number;
  destination: string;
  dialled_at: number;
  ringing_at?: number | null;
  answered_at?: number | null;
  symbols: { position: number; wait: boolean; at: number }[];
  voice_after_ms?: number | null;
  answered_by?: string | null;
  whisper_at?: number | null;
  accepted_at?: number | null;
  connected_at?: number | null;
  ended_at?: number | null;
  outcome?: string | null;
  cause?: Cause | null;
  quality?: Quality | null;
}

export interface Recording {
  leg?: number | null;
  virtual_agent?: string | null;
  voicemail?: string | null;
  file?: string | null;
  started_at?: number | null;
  length_ms: number;
  lost_ms: number;
  stopped_by?: string | null;
  prevented?: string | null;
}

export interface CallRecord {
  id: string;
  state: "in_progress" | "ended" | "interrupted";
  tracking_number: string;
  direction: string;
  source: string;
  caller: string;
  caller_name?: string | null;
  path: { at: number; what: string }[];
  legs: LegRecord[];
  received_at: number;
  answered_at?: number | null;
  connected_at?: number | null;
  ended_at?: number | null;
  ring_ms?: number | null;
  wait_ms?: number | null;
  talk_ms?: number | null;
  cause?: Cause | null;
  recordings: Recording[];
  linked?: string[];
  caller_quality?: Quality | null;
  virtual_agents?: {
    agent: string;
    asked_at: number;
    connected_at?: number | null;
    ended_at?: number | null;
    reason?: string | null;
  }[];
  agent?: string | null;
  lead_owner?: string | null;
  source_tag: string;
  tags: string[];
  score?: string | null;
  outcome?: string;
}

export interface LiveLeg {
  leg: number;
  destination: string;
  agent?: string;
  state: string;
  since: number;
}

export interface LiveCall {
  id: string;
  state: string;
  since: number;
  route: string;
  tracking_number: string;
  direction: string;
  source: string;
  caller: string;
  caller_name?: string | null;
  received_at: number;
  connected_at?: number | null;
  recording: "none" | "on" | "stopped" | "prevented";
  legs: LiveLeg[];
}

/** What of a call was left out of its recording, in milliseconds from the beginning of its file. */
export interface Gap {
  from: number;
  to: number;
}

const WHY: Record<string, string> = {
  normal: "Hung up",
  busy: "Busy",
  no_answer: "Nobody answered in time",
  declined: "Declined",
  completed_elsewhere: "Somebody else took the call",
  caller_gone: "The caller hung up first",
  route_loop: "The route went in a circle and was cut",
  media_timeout: "One side was silent for too long",
  max_duration: "The longest allowed call",
  prevent_recording: "The receiving number prevents recording",
  call_settings: "The call settings do not record",
  no_message: "Nothing was said that the box keeps",
  disk: "The disk refused it",
};

export function why(reason: string | null | undefined): string {
  if (!reason) return "";
  return WHY[reason] ?? reason.replaceAll("_", " ").replace(/^./, (it) => it.toUpperCase());
}

export function sayCause(cause: Cause | null | undefined): string {
  if (!cause) return "";
  const also = [
    cause.sip ? `SIP ${cause.sip}` : "",
    cause.q850 ? `Q.850 ${cause.q850}` : "",
    cause.local ? "decided here" : "",
  ].filter(Boolean);
  return also.length > 0 ? `${why(cause.reason)} (${also.join(", ")})` : why(cause.reason);
}

/** What became of a leg: one that rang until somebody else was quicker has no outcome of its own. */
export function outcomeOfLeg(leg: LegRecord): string | undefined {
  if (leg.outcome) return leg.outcome;
  if (!leg.ended_at) return undefined;
  return leg.cause?.reason === "completed_elsewhere" ? "elsewhere" : "ended";
}

/** The best that came of a call, where the API does not say it. */
export function outcomeOf(record: CallRecord): string {
  if (record.outcome) return record.outcome;
  if (record.state !== "ended") return record.state;
  if (record.connected_at) return "answered";
  const order = [
    "abandoned",
    "failed",
    "invalid_number",
    "no_answer",
    "busy",
    "declined",
    "answered",
  ];
  return (
    record.legs
      .map((it) => it.outcome ?? "")
      .sort((a, b) => order.indexOf(b) - order.indexOf(a))[0] ?? "abandoned"
  );
}

/** Mean opinion by loss and jitter (ITU-T G.107, simplified for G.711): 1 to 4.4. */
export function opinion(quality: Quality): number {
  const heard = quality.packets_received + quality.packets_lost;
  const loss = heard > 0 ? (quality.packets_lost / heard) * 100 : 0;
  const delay = (quality.round_trip_ms ?? 0) / 2 + quality.jitter_ms * 2 + 20;
  const r = 93.2 - (delay < 160 ? delay / 40 : (delay - 120) / 10) - (95 * loss) / (loss + 4.3);
  const bounded = Math.max(0, Math.min(100, r));
  return Math.max(1, 1 + 0.035 * bounded + bounded * (bounded - 60) * (100 - bounded) * 7e-6);
}
