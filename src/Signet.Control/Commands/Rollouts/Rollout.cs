using System.Text.Json.Nodes;

namespace Signet.Control;

/// <summary>One command for many devices.</summary>
/// <param name="Selection">Which; see <see cref="DeviceSelection"/>.</param>
/// <param name="NotBefore">Not to begin earlier; null: at once.</param>
/// <param name="Wait">How long each may wait for its device; null: devices that are not there are left out.</param>
/// <param name="PerMinute">Devices a minute, in the order of their names; 0: all at once.</param>
/// <param name="StopShare">Above this share of failures among the answers (0 to 1) the rest is withdrawn; 1: never.</param>
public sealed record RolloutDraft(
    string Selection, string Command, JsonObject? Arguments = null, DateTimeOffset? NotBefore = null, TimeSpan? Wait = null, int PerMinute = 0, double StopShare = 1, string? IdempotencyKey = null);

/// <summary>A rollout at one moment.</summary>
/// <param name="State"><c>running</c>, <c>done</c> (every command is settled), <c>stopped</c> (by its error share) or <c>cancelled</c>.</param>
/// <param name="Total">Devices that got a command.</param>
/// <param name="Counts">Commands by state; only states that occur.</param>
/// <param name="LeftOut">Devices of the selection that got none, with the reason's name.</param>
public sealed record Rollout(
    string Id, string Command, JsonObject Arguments, string Selection, string By, string ByRole, DateTimeOffset Created, int PerMinute, double StopShare, string State, DateTimeOffset? Stopped,
    int Total, IReadOnlyDictionary<string, int> Counts, IReadOnlyDictionary<string, string> LeftOut)
{
    public int Settled => Counts.Where(c => CommandStates.Parse(c.Key).IsSettled()).Sum(c => c.Value);
    public int Executed => Counts.GetValueOrDefault(CommandState.Executed.Name());

    /// <summary>Answers that count as errors: refused, failed, interrupted, no answer.</summary>
    public int Failures => Count(CommandState.Rejected) + Count(CommandState.Failed) + Count(CommandState.Interrupted) + Count(CommandState.Unanswered);

    /// <summary>The share of failures has passed its bound, and enough have answered to say so.</summary>
    internal bool IsFailing => Executed + Failures >= ControlLimits.RolloutSample && Failures > StopShare * (Executed + Failures);

    private int Count(CommandState state) => Counts.GetValueOrDefault(state.Name());
}
