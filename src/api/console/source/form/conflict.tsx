// Two people changed the same thing: what each did, and whose is kept, place by place.

import { useState } from "preact/hooks";
import { type Document, same } from "../lib/document";
import { plural } from "../lib/words";
import { ask } from "../ui/overlay";
import { Button, Moment } from "../ui/parts";
import { type Difference, differences, resolved, say, type Side } from "./merge";
import { forms } from "./schema";

interface Versions {
  /** What mine began as. */
  base: Document;
  mine: Document;
  theirs: Document;
  who: string;
  at?: number;
}

type Chosen = Record<string, Side>;

/** The document to store, or nothing if the reader wants to think again. */
export async function resolveConflict(kind: string, of: Versions): Promise<Document | undefined> {
  const known = await forms().catch(() => []);
  const fields = known.find((it) => it.kind === kind)?.fields ?? [];
  const found = differences(kind, fields, of.base, of.mine, of.theirs);
  // They did the same, or nothing that is seen: there is nothing to choose.
  if (found.every((it) => it.side === "mine" && !it.clash))
    return resolved(of.theirs, of.mine, found);
  let chosen: Chosen = {};
  const answer = await ask({
    title: "Somebody else changed this",
    wide: true,
    body: <Differences found={found} of={of} onChoice={(it) => (chosen = it)} />,
    answers: [
      { key: "", label: "Go on editing" },
      { key: "save", label: "Save what is chosen", kind: "primary" },
    ],
  });
  return answer === "save" ? resolved(of.theirs, of.mine, found, chosen) : undefined;
}

interface Props {
  found: Difference[];
  of: Versions;
  onChoice: (chosen: Chosen) => void;
}

function Differences({ found, of, onChoice }: Props) {
  const [chosen, set] = useState<Chosen>({});
  const choose = (next: Chosen) => (set(next), onChoice(next));
  const all = (side: Side) => choose(Object.fromEntries(found.map((it) => [it.key, side])));
  const clashes = found.filter((it) => it.clash).length;
  const ordered = [...found].sort((a, b) => Number(b.clash) - Number(a.clash));
  return (
    <>
      <p>
        {of.who} saved this {of.at && <Moment at={of.at} relative />} while you were editing.{" "}
        {clashes > 0
          ? `You both changed ${plural(clashes, "setting")}: say whose is kept.`
          : "You changed different settings: all of them are kept, unless you say otherwise."}
      </p>
      {found.length > 1 && (
        <div class="row">
          <Button small onClick={() => all("mine")}>
            All mine
          </Button>
          <Button small onClick={() => all("theirs")}>
            All theirs
          </Button>
        </div>
      )}
      <div class="clashes">
        {ordered.map((it) => (
          <Choice
            key={it.key}
            of={it}
            who={of.who}
            side={chosen[it.key] ?? it.side}
            onChoice={(side) => choose({ ...chosen, [it.key]: side })}
          />
        ))}
      </div>
    </>
  );
}

interface ChoiceProps {
  of: Difference;
  who: string;
  side: Side;
  onChoice: (side: Side) => void;
}

function Choice({ of, who, side, onChoice }: ChoiceProps) {
  const by = of.clash ? "you both changed it" : of.side === "mine" ? "only you" : `only ${who}`;
  const sides: [Side, string][] = [
    ["mine", "Mine"],
    ["theirs", "Theirs"],
  ];
  return (
    <fieldset class="clash">
      <legend>
        {of.title.join(" \u203a ")} <span class={`badge ${of.clash ? "warn" : ""}`}>{by}</span>
      </legend>
      {sides.map(([key, title]) => (
        <label key={key} class={side === key ? "chosen" : ""}>
          <input type="radio" name={of.key} checked={side === key} onChange={() => onChoice(key)} />
          <span class="side-of">
            {title}
            {same(of[key], of.was) && <span class="muted"> as it was</span>}
          </span>
          <span class="value">{say(of[key], of.shape)}</span>
        </label>
      ))}
      {of.clash && <p class="muted small">It was: {say(of.was, of.shape)}</p>}
    </fieldset>
  );
}
