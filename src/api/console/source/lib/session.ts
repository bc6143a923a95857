// Who uses the console, and what they may do.

import { getJson, onSignedOut, send, setCsrf } from "./api";
import { forgetNames } from "./names";
import { Watched } from "./use";

export type Role = "viewer" | "agent" | "manager" | "admin";

export interface Session {
  user: string;
  role: Role;
  /** The agent of the directory that this user is. */
  agent?: string;
  csrf: string;
}

/** `undefined`: not known yet; `null`: nobody. */
export const session = new Watched<Session | null | undefined>(undefined);

const RANK: Record<Role, number> = { viewer: 0, agent: 1, manager: 2, admin: 3 };
const ADMIN_KINDS = new Set(["trunk", "account", "trunks", "accounts"]);

export function may(role: Role): boolean {
  const now = session.get();
  return now ? RANK[now.role] >= RANK[role] : false;
}

/** Whether documents of a kind may be changed: trunks and accounts hold the keys of the house. */
export function mayChange(kind: string): boolean {
  return may(ADMIN_KINDS.has(kind) ? "admin" : "manager");
}

function enter(it: Session) {
  setCsrf(it.csrf);
  forgetNames();
  session.set(it);
}

export async function resume() {
  onSignedOut(() => session.set(null));
  try {
    enter(await getJson<Session>("/v1/session"));
  } catch {
    session.set(null);
  }
}

export async function signIn(user: string, password: string) {
  enter(await send<Session>("POST", "/v1/session", { user, password }));
}

export async function setUp(token: string, user: string, password: string) {
  const answer = await send<Session | undefined>("POST", "/v1/setup", { token, user, password });
  if (answer?.csrf) enter(answer);
  else await signIn(user, password);
}

export async function signOut() {
  await send("DELETE", "/v1/session").catch(() => {});
  session.set(null);
}
