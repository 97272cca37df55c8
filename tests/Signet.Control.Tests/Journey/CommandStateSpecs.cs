namespace Signet.Control.Tests;

public sealed class CommandStateSpecs
{
    private static readonly CommandState[] States = Enum.GetValues<CommandState>();
    private static readonly CommandEvent[] Events = Enum.GetValues<CommandEvent>();

    // How strong the evidence behind a state is: nothing, the broker's word, the device's word, its last word.
    private static int Evidence(CommandState state) => state switch
    {
        CommandState.AwaitingApproval or CommandState.Queued or CommandState.Draft or CommandState.Cancelled or CommandState.Unanswered or CommandState.Expired => 0,
        CommandState.Sent => 1,
        CommandState.Delivered => 2,
        CommandState.Accepted => 3,
        _ => 4,
    };

    private static CommandState After(CommandState state, CommandEvent happened) => CommandStates.Next(state, happened) ?? state;

    [Fact]
    [Trait("row", "S0-17")]
    public void A_state_is_reached_only_by_the_event_that_is_its_evidence()
    {
        foreach (var state in States)
            foreach (var happened in Events)
            {
                if (CommandStates.Next(state, happened) is not { } next) continue;
                next.ShouldBe(happened switch
                {
                    CommandEvent.BrokerTook => CommandState.Sent,
                    CommandEvent.BrokerDelivered => CommandState.Delivered,
                    CommandEvent.BrokerRefused => CommandState.Cancelled,
                    CommandEvent.DeadlinePassed => CommandState.Unanswered,
                    CommandEvent.DeviceAccepted => CommandState.Accepted,
                    CommandEvent.DeviceRejected => CommandState.Rejected,
                    CommandEvent.DeviceExecuted => CommandState.Executed,
                    CommandEvent.DeviceFailed => CommandState.Failed,
                    CommandEvent.DeviceInterrupted => CommandState.Interrupted,
                    CommandEvent.Approved or CommandEvent.Returned => CommandState.Queued,
                    CommandEvent.Dispatched => CommandState.Draft,
                    CommandEvent.Withdrawn => CommandState.Cancelled,
                    CommandEvent.TimeRanOut => CommandState.Expired,
                    _ => throw new InvalidOperationException("a new event needs its state here"),
                }, $"{state} after {happened}");
            }
    }

    [Fact]
    public void The_devices_last_word_is_never_changed()
    {
        foreach (var state in States.Where(s => s.IsFinal()))
            foreach (var happened in Events)
                CommandStates.Next(state, happened).ShouldBeNull($"{state} after {happened}");
    }

    [Fact]
    public void A_signed_last_word_is_taken_in_every_state_before_it_but_an_acceptance_cannot_be_unsaid()
    {
        foreach (var state in States.Where(s => !s.IsFinal()))
        {
            CommandStates.Next(state, CommandEvent.DeviceExecuted).ShouldBe(CommandState.Executed);
            CommandStates.Next(state, CommandEvent.DeviceFailed).ShouldBe(CommandState.Failed);
            CommandStates.Next(state, CommandEvent.DeviceInterrupted).ShouldBe(CommandState.Interrupted);
            CommandStates.Next(state, CommandEvent.DeviceRejected).ShouldBe(state == CommandState.Accepted ? null : CommandState.Rejected);
        }
    }

    [Fact]
    public void Every_reachable_state_was_explored_with_every_event_and_only_ever_gains_evidence()
    {
        // Exhaustive: the machine is finite, so every (state, event) that any order of events can lead to is looked at once.
        var reached = new HashSet<CommandState> { CommandState.Draft, CommandState.Queued, CommandState.AwaitingApproval };
        var open = new Queue<CommandState>(reached);
        while (open.TryDequeue(out var state))
        {
            foreach (var happened in Events)
            {
                var next = After(state, happened);
                // The clock, a person and "it did nothing" take hope away, not evidence: no device's word is ever behind them.
                var takesHope = happened is CommandEvent.DeadlinePassed or CommandEvent.BrokerRefused or CommandEvent.Returned or CommandEvent.Withdrawn or CommandEvent.TimeRanOut;
                if (!takesHope) Evidence(next).ShouldBeGreaterThanOrEqualTo(Evidence(state), $"{state} after {happened}");
                if (takesHope && Evidence(state) >= 3) next.ShouldBe(state, "no clock, no broker and no person overrules a device");
                if (reached.Add(next)) open.Enqueue(next);
            }
        }

        reached.ShouldBe(States, ignoreOrder: true); // no state is dead
    }

    [Fact]
    public void From_every_state_the_clock_alone_leads_to_an_end()
    {
        foreach (var state in States.Where(s => s != CommandState.Accepted)) // an accepted command ends by the device's word
            After(After(state, CommandEvent.TimeRanOut), CommandEvent.DeadlinePassed).IsSettled().ShouldBeTrue($"{state}");
    }

    [Fact]
    public void A_message_is_signed_only_from_the_queue_and_a_command_comes_back_there_only_when_it_did_nothing()
    {
        foreach (var state in States)
        {
            CommandStates.Next(state, CommandEvent.Dispatched).ShouldBe(state == CommandState.Queued ? CommandState.Draft : null);
            foreach (var happened in Events.Where(e => CommandStates.Next(state, e) == CommandState.Queued)) happened.ShouldBeOneOf(CommandEvent.Returned, CommandEvent.Approved);
        }
    }

    [Fact]
    public void Names_and_states_belong_together_one_to_one()
    {
        foreach (var state in States) CommandStates.Parse(state.Name()).ShouldBe(state);
        CommandStates.TryParse("done", out _).ShouldBeFalse();
    }
}
