namespace Signet.Control.Tests;

public sealed class CommandStateSpecs
{
    private static readonly CommandState[] States = Enum.GetValues<CommandState>();
    private static readonly CommandEvent[] Events = Enum.GetValues<CommandEvent>();

    // How strong the evidence behind a state is: nothing, the broker's word, the device's word, its last word.
    private static int Evidence(CommandState state) => state switch
    {
        CommandState.Draft or CommandState.Cancelled or CommandState.Unanswered => 0,
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
    public void Every_order_of_events_from_draft_only_ever_gains_evidence_and_ends()
    {
        var seen = new HashSet<CommandState>();
        Explore(CommandState.Draft, [], seen);
        seen.ShouldBe(States, ignoreOrder: true); // no state is dead

        void Explore(CommandState state, List<CommandEvent> path, HashSet<CommandState> reached)
        {
            reached.Add(state);
            if (path.Count == 5) return;
            foreach (var happened in Events)
            {
                var next = After(state, happened);
                var isDeadline = happened is CommandEvent.DeadlinePassed or CommandEvent.BrokerRefused;
                if (!isDeadline) Evidence(next).ShouldBeGreaterThanOrEqualTo(Evidence(state), $"{string.Join(" ", path)} {happened}");
                if (isDeadline && Evidence(state) >= 3) next.ShouldBe(state, "no clock and no broker overrules a device");
                Explore(next, [.. path, happened], reached);
            }
        }
    }

    [Fact]
    public void Names_and_states_belong_together_one_to_one()
    {
        foreach (var state in States) CommandStates.Parse(state.Name()).ShouldBe(state);
        CommandStates.TryParse("done", out _).ShouldBeFalse();
    }
}
