// The whole life of a proposal, by openapi-fetch with the types of openapi-typescript. Called with a service's URL.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { argv } from "node:process";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Schemas = components["schemas"];
const PORTFOLIO = `pf_${randomUUID()}`;
const client = createClient<paths>({ baseUrl: argv[2] });

function aRequest(createdBy: string): Schemas["CreateProposalRequest"] {
  return {
    created_by: createdBy,
    simulate_request: {
      portfolio_snapshot: {
        portfolio_id: PORTFOLIO,
        base_currency: "SGD",
        positions: [{ instrument_id: "EQ_US_TECH", quantity: "120" }],
        cash_balances: [{ currency: "SGD", amount: 50000 }],
      },
      market_data_snapshot: {
        prices: [{ instrument_id: "EQ_US_TECH", price: "250.00", currency: "USD" }],
        fx_rates: [{ pair: "USD/SGD", rate: "1.35" }],
      },
      shelf_entries: [{ instrument_id: "EQ_US_TECH", status: "APPROVED" }],
      options: { enable_proposal_simulation: true },
      proposed_trades: [{ side: "BUY", instrument_id: "EQ_US_TECH", quantity: "10" }],
    },
  };
}

function found<Data>(answer: { data?: Data; error?: unknown }): Data {
  assert.ok(answer.data !== undefined, JSON.stringify(answer.error));
  return answer.data;
}

async function finished(operationId: string): Promise<Schemas["AsyncStatus"]> {
  for (;;) {
    const status = found(
      await client.GET("/rebalance/proposals/operations/{operation_id}", {
        params: { path: { operation_id: operationId }, query: { wait: 20 } },
      }),
    );
    assert.ok(typeof status !== "string"); // text/html is for those who ask for it
    if (status.status === "SUCCEEDED" || status.status === "FAILED") return status;
  }
}

const accepted = await client.POST("/rebalance/proposals/async", {
  params: { header: { "Idempotency-Key": randomUUID() } },
  body: aRequest("advisor_1"),
});
assert.equal(accepted.response.status, 202);
const status = await finished(found(accepted).operation_id);
assert.equal(status.status, "SUCCEEDED");
const created = status.result;
assert.ok(created?.proposal);
const inPath = { path: { proposal_id: created.proposal.proposal_id } };

const detail = found(await client.GET("/rebalance/proposals/{proposal_id}", { params: inPath }));
const trade = detail.current_version.proposal_result.intents.find((intent) => intent.intent_type === "SECURITY_TRADE");
assert.ok(trade);
const quantity: string = trade.quantity;
assert.equal(quantity, "10");
assert.equal(detail.current_version.evidence_bundle.inputs?.portfolio_snapshot.cash_balances?.[0]?.amount, "50000");

async function move(event: Schemas["TransitionEvent"], seen: Schemas["ProposalState"]) {
  return client.POST("/rebalance/proposals/{proposal_id}/transitions", {
    params: inPath,
    body: { event_type: event, actor_id: "advisor_1", expected_state: seen },
  });
}

async function decide(decision: Schemas["ApprovalType"], seen: Schemas["ProposalState"]) {
  return client.POST("/rebalance/proposals/{proposal_id}/approvals", {
    params: inPath,
    body: { approval_type: decision, approved: true, actor_id: "reviewer_1", expected_state: seen },
  });
}

let state = found(await move("SUBMITTED_FOR_RISK_REVIEW", "DRAFT")).current_state;
state = found(await decide("RISK", state)).current_state;
state = found(await decide("CLIENT_CONSENT", state)).current_state;
assert.equal(found(await move("EXECUTED", state)).current_state, "EXECUTED");
const listed = found(await client.GET("/rebalance/proposals", { params: { query: { portfolio_id: PORTFOLIO } } }));
assert.deepEqual(listed.items.map((item) => item.current_state), ["EXECUTED"]);

const unknown = await client.GET("/rebalance/proposals/{proposal_id}", { params: { path: { proposal_id: "pp_0" } } });
assert.equal(unknown.error?.code, "PROPOSAL_NOT_FOUND");
assert.equal((await move("CANCELLED", "DRAFT")).error?.code, "STATE_CONFLICT");
const invalid = await client.POST("/rebalance/proposals", {
  params: { header: { "Idempotency-Key": randomUUID() } },
  body: aRequest(""),
});
assert.equal(invalid.response.status, 422);
assert.equal(invalid.error?.code, "VALIDATION_FAILED");
