import java.util.List;
import java.util.UUID;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.ApiResponse;
import org.openapitools.client.api.OperationsApi;
import org.openapitools.client.api.ProposalsApi;
import org.openapitools.client.api.ReviewsApi;
import org.openapitools.client.api.SupportApi;
import org.openapitools.client.model.*;

/** The whole life of a proposal, by the client that openapi-generator makes for Java. Called with a service's URL. */
public class Life {
    static final String PORTFOLIO = "pf_" + UUID.randomUUID();

    static void check(boolean holds, Object found) {
        if (!holds) throw new AssertionError(String.valueOf(found));
    }

    static DecimalInput decimal(Object value) {
        DecimalInput decimal = new DecimalInput();
        decimal.setActualInstance(value);
        return decimal;
    }

    static CreateProposalRequest request(String createdBy) {
        PortfolioSnapshot portfolio = new PortfolioSnapshot()
            .portfolioId(PORTFOLIO)
            .baseCurrency("SGD")
            .positions(List.of(new Position().instrumentId("EQ_US_TECH").quantity(decimal("120"))))
            .cashBalances(List.of(new CashBalance().currency("SGD").amount(decimal(50000)).settled(decimal("49000.00"))));
        MarketDataSnapshot market = new MarketDataSnapshot()
            .prices(List.of(new Price().instrumentId("EQ_US_TECH").price(decimal("250.00")).currency("USD")))
            .fxRates(List.of(new FxRate().pair("USD/SGD").rate(decimal("1.35"))));
        return new CreateProposalRequest()
            .createdBy(createdBy)
            .simulateRequest(new SimulateRequest()
                .portfolioSnapshot(portfolio)
                .marketDataSnapshot(market)
                .shelfEntries(List.of(new ShelfEntry().instrumentId("EQ_US_TECH").status(ShelfStatus.APPROVED)))
                .options(new EngineOptions().enableProposalSimulation(true))
                .proposedTrades(List.of(new ProposedTrade()
                    .side(TradeSide.BUY).instrumentId("EQ_US_TECH").quantity(decimal("10")))));
    }

    static TransitionRequest transition(TransitionEvent event, ProposalState seen) {
        return new TransitionRequest().actorId("advisor_1").eventType(event).expectedState(seen);
    }

    public static void main(String[] arguments) throws Exception {
        ApiClient client = new ApiClient();
        client.updateBaseUri(arguments[0]);
        ProposalsApi proposals = new ProposalsApi(client);
        OperationsApi operations = new OperationsApi(client);
        ReviewsApi reviews = new ReviewsApi(client);

        String key = UUID.randomUUID().toString();
        ApiResponse<AsyncAccepted> accepted = proposals.submitProposalWithHttpInfo(key, request("advisor_1"), null, null);
        check(accepted.getStatusCode() == 202, accepted.getStatusCode());
        String operationId = accepted.getData().getOperationId();
        AsyncStatus status;
        do {
            status = operations.readOperation(operationId, java.math.BigDecimal.valueOf(20), true, null, null, null, null);
        } while (status.getStatus() == OperationStatus.PENDING || status.getStatus() == OperationStatus.RUNNING);
        check(status.getStatus() == OperationStatus.SUCCEEDED, status);
        String proposalId = status.getProposalId();
        check(status.getResult().getProposal().getProposalId().equals(proposalId), status);

        VersionDetail version = proposals.readProposal(proposalId, true, null).getCurrentVersion();
        SecurityTradeIntent trade = version.getProposalResult().getIntents().stream()
            .filter(intent -> intent.getActualInstance() instanceof SecurityTradeIntent)
            .map(intent -> intent.getSecurityTradeIntent()).findFirst().orElseThrow();
        check(trade.getQuantity().equals("10") && trade.getSide() == TradeSide.BUY, trade);
        EvidenceCashBalance sent = version.getEvidenceBundle().getInputs().getPortfolioSnapshot().getCashBalances().get(0);
        check(sent.getAmount().equals("50000") && sent.getSettled().equals("49000") && sent.getPending() == null, sent);

        TransitionRequest submit = transition(TransitionEvent.SUBMITTED_FOR_RISK_REVIEW, ProposalState.DRAFT);
        TransitionResponse moved = reviews.recordTransition(proposalId, submit, null, null, null);
        check(moved.getCurrentState() == ProposalState.RISK_REVIEW, moved);
        ApprovalRequest risk = new ApprovalRequest().actorId("reviewer_1").approvalType(ApprovalType.RISK)
            .approved(true).expectedState(ProposalState.RISK_REVIEW);
        TransitionResponse decided = reviews.recordApproval(proposalId, risk, null, null, null);
        check(decided.getApproval().getApprovalType() == ApprovalType.RISK, decided);
        ApprovalRequest consent = new ApprovalRequest().actorId("advisor_1").approvalType(ApprovalType.CLIENT_CONSENT)
            .approved(true).expectedState(ProposalState.AWAITING_CLIENT_CONSENT);
        check(reviews.recordApproval(proposalId, consent, null, null, null).getCurrentState() == ProposalState.EXECUTION_READY, consent);
        TransitionRequest execute = transition(TransitionEvent.EXECUTED, ProposalState.EXECUTION_READY);
        check(reviews.recordTransition(proposalId, execute, null, null, null).getCurrentState() == ProposalState.EXECUTED, execute);

        ProposalListResponse listed = proposals.listProposals(null, PORTFOLIO, null, null, null, null, null, null, null);
        check(listed.getItems().size() == 1 && listed.getItems().get(0).getProposalId().equals(proposalId), listed);
        check(new SupportApi(client).listWorkflowEvents(proposalId, null).getEvents().size() == 5, proposalId);

        try {
            proposals.readProposal("pp_0", true, null);
            check(false, "an unknown proposal was found");
        } catch (ApiException refused) {
            Problem problem = ApiClient.createDefaultObjectMapper().readValue(refused.getResponseBody(), Problem.class);
            check(refused.getCode() == 404 && problem.getCode().toString().equals("PROPOSAL_NOT_FOUND"), problem);
        }
        try {
            proposals.createProposal(UUID.randomUUID().toString(), request(""), null, null);
            check(false, "an author without a name was accepted");
        } catch (ApiException refused) {
            check(refused.getCode() == 422 && refused.getResponseBody().contains("created_by"), refused);
        }
    }
}
