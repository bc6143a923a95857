// A recording after its call: where it is, until when, who holds it; and what can be done to it.

import { filePath, send } from "../lib/api";
import { may } from "../lib/session";
import { ask, askText, confirm, done, failed } from "../ui/overlay";
import { Badge, Button, Moment } from "../ui/parts";

/** As `/v1/recordings` tells it. */
export interface Kept {
  file: string;
  call: string;
  tracking_number: string;
  started_at: number;
  length_ms: number;
  state: "local" | "uploaded" | "deleted";
  bytes: number;
  encrypted: boolean;
  keep_until?: number;
  held: boolean;
  deleted_by?: string;
  failing?: string;
}

export function isGone(it: Kept): boolean {
  return it.state === "deleted" || it.deleted_by !== undefined;
}

export function Badges({ of }: { of: Kept }) {
  if (isGone(of)) return <Badge>deleted{of.deleted_by && ` by ${of.deleted_by}`}</Badge>;
  return (
    <>
      {of.held && <Badge tone="warn">held</Badge>}
      {of.encrypted && <Badge tone="accent">sealed</Badge>}
      <Badge>{of.state === "uploaded" ? "in the object storage" : "on this edge"}</Badge>
      {of.failing && <Badge tone="bad">{of.failing}</Badge>}
    </>
  );
}

export function Until({ of }: { of: Kept }) {
  if (isGone(of)) return <span class="muted">-</span>;
  if (of.held) return <>until it is released</>;
  if (of.keep_until === undefined) return <>for good</>;
  return (
    <>
      until <Moment at={of.keep_until} />
    </>
  );
}

/** Holds, releases, deletes; a held one has to be released first. */
export function KeptActions({ of, onDone }: { of: Kept; onDone: () => void }) {
  if (!may("manager") || isGone(of)) return null;
  const path = `/v1/recordings/${filePath(of.file)}`;
  const act = async (work: () => Promise<unknown>, said: string) => {
    try {
      await work();
      done(said);
      onDone();
    } catch (error) {
      failed(error);
    }
  };
  const hold = async () => {
    const why = await askText("Hold this recording?", "Why", {
      help: "It is not deleted until it is released, whatever its time. The audit log keeps this.",
      action: "Hold",
    });
    if (why === undefined) return;
    await act(() => send("PUT", `${path}/hold`, { held: true, why }), "Held");
  };
  const release = async () => {
    const answer = await ask({
      title: "Release this recording?",
      body: "It is deleted when its time is up, if it has one.",
      answers: [
        { key: "no", label: "Cancel" },
        { key: "yes", label: "Release", kind: "primary" },
      ],
    });
    if (answer !== "yes") return;
    await act(() => send("PUT", `${path}/hold`, { held: false }), "Released");
  };
  const remove = async () => {
    const sure = await confirm(
      "Delete this recording?",
      "Nobody can listen to it from now on, and it does not come back. The call's record stays.",
      "Delete",
    );
    if (sure) await act(() => send("DELETE", path), "Recording deleted");
  };
  return (
    <span class="row nowrap">
      {of.held ? (
        <Button small onClick={() => void release()}>
          Release
        </Button>
      ) : (
        <Button small onClick={() => void hold()}>
          Hold
        </Button>
      )}
      <Button
        small
        icon="trash"
        kind="danger"
        disabled={of.held}
        title={of.held ? "It is held: release it first" : undefined}
        onClick={() => void remove()}
      >
        Delete
      </Button>
    </span>
  );
}
