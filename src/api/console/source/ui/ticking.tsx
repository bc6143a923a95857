// Clocks that run. One timer turns all of them, and writes only where a second has passed: hundreds
// of calls are not drawn anew each second for it.

import { useEffect, useRef } from "preact/hooks";
import { clock } from "../lib/time";

const running = new Map<Node, number>();
let timer: ReturnType<typeof setInterval> | undefined;

function turn() {
  const now = Date.now();
  for (const [text, since] of running) {
    const said = clock(now - since);
    if (text.nodeValue !== said) text.nodeValue = said;
  }
}

/** The time since a moment, in milliseconds since 1970. */
export function Running({
  since,
  style,
  title,
}: {
  since: number;
  style?: string;
  title?: string;
}) {
  const place = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const text = place.current?.firstChild;
    if (!text) return;
    running.set(text, since);
    timer ??= setInterval(turn, 500);
    return () => {
      running.delete(text);
      if (running.size > 0) return;
      clearInterval(timer);
      timer = undefined;
    };
  }, [since]);
  return (
    <span ref={place} class={style} title={title} role="timer" aria-live="off">
      {clock(Date.now() - since)}
    </span>
  );
}
