//! Where tests let a runner die (see `canary_failpoints`).

canary_failpoints::points! {
    /// a slot is to be fired | no row yet
    SLOT_DECIDED = "runner.slot.decided";
    /// its pending row is in the ledger | not on the board
    SLOT_CLAIMED = "runner.slot.claimed";
    /// the test is on the board | its right not checked, nothing sent
    SLOT_REGISTERED = "runner.slot.registered";
    /// the right was checked last | the request has not left
    FIRE_ALLOWED = "runner.fire.allowed";
    /// the request is under way, the firing noted | no answer
    FIRE_NOTED = "runner.fire.noted";
    /// the answer is here | not noted
    FIRE_ANSWERED = "runner.fire.answered";
    /// the answer is on the board | not judged
    ANSWER_NOTED = "runner.answer.noted";
    /// a slot is not to be fired | no row yet
    UNFIRED_DECIDED = "runner.unfired.decided";
    /// its row is in the ledger | not counted
    UNFIRED_WRITTEN = "runner.unfired.written";
    /// slots that nobody fired were found | not written
    GAPS_FOUND = "runner.gaps.found";
    /// their rows are in the ledger | the next step not begun
    GAPS_WRITTEN = "runner.gaps.written";
    /// an order was taken | neither store knows it
    ORDER_TAKEN = "runner.order.taken";
    /// an ordered test is on the board | no row yet
    ORDER_REGISTERED = "runner.order.registered";
    /// its row is in the ledger | its id not answered
    ORDER_CLAIMED = "runner.order.claimed";
    /// its id was answered | nothing sent
    ORDER_ANSWERED = "runner.order.answered";
}
