/** A web page's client of the API: fetch, the types generated from openapi.json, and a parser for event streams. */

import { EventSourceParserStream } from "eventsource-parser/stream";

import type { components, operations } from "./api.js";

type Schemas = components["schemas"];
type Content<Holder> = Holder extends { content: { "application/json": infer Body } } ? Body : never;
type Sent<Id extends keyof operations> = operations[Id] extends { requestBody?: infer Body } ? Content<NonNullable<Body>> : never;
type Answer<Id extends keyof operations> = {
  [Status in keyof operations[Id]["responses"]]: Status extends 200 | 201 | 202 ? Content<operations[Id]["responses"][Status]> : never;
}[keyof operations[Id]["responses"]];

export class ProblemError extends Error {
  constructor(readonly problem: Schemas["Problem"]) {
    super(problem.detail);
  }
}

export class Client {
  constructor(
    private readonly baseUrl: string,
    private readonly apiKey: string,
  ) {}

  async call<Id extends keyof operations>(method: string, path: string, body?: Sent<Id>): Promise<Answer<Id>> {
    const response = await this.request(method, path, body, "application/json");
    return (await response.json()) as Answer<Id>;
  }

  async *stream<Name extends "ChatEvent" | "DebriefEvent">(path: string, body: unknown): AsyncGenerator<Schemas[Name]> {
    const response = await this.request("POST", path, body, "text/event-stream");
    if (response.body === null) throw new TypeError("the response has no body");
    const events = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
    for await (const { event, data } of events) yield { event, data: JSON.parse(data) } as Schemas[Name];
  }

  private async request(method: string, path: string, body: unknown, accept: string): Promise<Response> {
    const response = await fetch(this.baseUrl + path, {
      method,
      headers: {
        Accept: accept,
        Authorization: `Bearer ${this.apiKey}`,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new ProblemError((await response.json()) as Schemas["Problem"]);
    return response;
  }
}

/** One whole interview; returns what the page would show. */
export async function interview(baseUrl: string, apiKey: string, transcript: string) {
  const client = new Client(baseUrl, apiKey);
  const room = await client.call<"create_room">("POST", "/api/rooms", { interviewer_name: "Ada" });
  const path = `/api/rooms/${room.room_name}`;
  const joined = await client.call<"join_room">("POST", `${path}/join`, {
    participant_name: "Grace",
    participant_type: "candidate",
  });
  const briefing = await client.call<"save_briefing">("POST", `${path}/briefing`, {
    candidate_name: "Grace",
    focus_areas: ["Compilers"],
  });
  const { plan, edited } = await planQuestions(client, `${path}/plan`);
  const answer = await client.call<"chat">("POST", `${path}/chat`, { message: "What should I ask?" });
  const streamed = await readChat(client, `${path}/chat`, { message: "And then?" });
  const record = await client.call<"save_transcript">("PUT", `${path}/transcript`, { transcript });
  const submission = await client.call<"submit_ratings">("PUT", `${path}/ratings/ada`, {
    ratings: [{ competency: "Compilers", rating: 4, note: "Wrote one." }],
  });
  const { stages, debrief } = await readDebrief(client, `${path}/debrief?rater=ada`, {});
  const stored = await client.call<"get_debrief">("GET", `${path}/debrief?rater=ada`);
  const compared = await client.call<"get_ratings">("GET", `${path}/ratings?rater=ada`);
  const decision = await client.call<"save_decision">("PUT", `${path}/decision`, {
    decision: "advance",
    reasons: "Wrote a compiler.",
    rater: "ada",
  });
  const receipt = await client.call<"delete_room">("DELETE", path);
  return {
    token: joined.token,
    endsAt: new Date(joined.expires_at).toISOString(),
    prompt: briefing.briefing_prompt,
    minutes: plan.questions.reduce((sum, question) => sum + question.minutes, 0),
    editedBy: edited.made_by,
    questionsLeftOut: plan.questions.length - edited.questions.length,
    answer: answer.response,
    streamed,
    candidate: record.speakers.find((speaker) => speaker.role === "candidate")?.label ?? null,
    isIndependent: submission.independent,
    stages,
    recommendation: debrief.recommendation satisfies Recommendation,
    quotes: debrief.evidence.flatMap((claim) => claim.quotes.map((quote) => quote.text)),
    isStored: stored.version === debrief.version,
    compared: compared.agreement?.map((row) => row.people.map((person) => person.rating)) ?? null,
    decision: decision.decision satisfies "advance" | "hold" | "decline",
    deletedRooms: receipt.deleted.room,
    afterwards: await codeOf(client.call<"get_briefing">("GET", `${path}/briefing`)),
  };
}

type Recommendation = "Strong Hire" | "Hire" | "Leaning Hire" | "Leaning No Hire" | "No Hire" | "N/A";

/** A plan by the model, and the same without its last question, as an interviewer saves it. */
async function planQuestions(client: Client, path: string) {
  const plan = await client.call<"create_plan">("POST", path, { minutes: 30 });
  const edited = await client.call<"save_plan">("PUT", path, {
    questions: plan.questions.slice(0, -1),
    scales: plan.scales,
    focus_areas: plan.focus_areas,
  });
  return { plan, edited };
}

async function readChat(client: Client, path: string, question: Schemas["ChatRequest"]): Promise<string> {
  let shown = "";
  for await (const event of client.stream<"ChatEvent">(path, question)) {
    switch (event.event) {
      case "delta":
        shown += event.data.text;
        break;
      case "done":
        if (event.data.response !== shown) throw new Error("the pieces are not the answer");
        return shown;
      case "error":
        throw new ProblemError(event.data);
      default:
        event satisfies never;
    }
  }
  throw new Error("the stream has no terminal event");
}

async function readDebrief(client: Client, path: string, request: Schemas["DebriefRequest"]) {
  const stages: string[] = [];
  for await (const event of client.stream<"DebriefEvent">(path, request)) {
    switch (event.event) {
      case "progress":
        stages.push(event.data.stage);
        break;
      case "done":
        return { stages, debrief: unsealed(event.data) };
      case "error":
        throw new ProblemError(event.data);
      default:
        event satisfies never;
    }
  }
  throw new Error("the stream has no terminal event");
}

/** A debrief with its ratings; they are hidden from a person who has yet to rate. */
function unsealed(debrief: Schemas["Debrief"] | Schemas["SealedDebrief"]): Schemas["Debrief"] {
  if (debrief.sealed) throw new Error("rate first");
  return debrief;
}

/** The code of the problem that a call ends with. */
async function codeOf(call: Promise<unknown>): Promise<Schemas["Problem"]["code"] | null> {
  try {
    await call;
    return null;
  } catch (error) {
    if (error instanceof ProblemError) return error.problem.code;
    throw error;
  }
}

/** What the types must refuse. A line without an error fails the compilation. */
export const refused = {
  // @ts-expect-error the name of the interviewer is required
  withoutName: {} satisfies Schemas["RoomRequest"],
  // @ts-expect-error there is no such participant
  asSpectator: { participant_name: "Eve", participant_type: "spectator" } satisfies Schemas["JoinRequest"],
  // @ts-expect-error there is no such code
  unknownCode: "no_such_code" satisfies Schemas["Problem"]["code"],
  // @ts-expect-error a rating is a number
  ratingInWords: { competency: "Compilers", rating: "good" } satisfies Schemas["CompetencyRatingRequest"],
  // @ts-expect-error a person decides to advance, hold or decline
  scoreAsDecision: { decision: "4.5", reasons: "" } satisfies Schemas["DecisionRequest"],
  // @ts-expect-error a room's address is a text
  numericUrl: 1 satisfies Answer<"get_room">["room_url"],
};
