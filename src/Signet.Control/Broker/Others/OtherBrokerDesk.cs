using Microsoft.Extensions.Logging;
using Signet.Audit;

namespace Signet.Control;

/// <summary>Says to the other broker's <see cref="IEnforcer"/> what changed, again and again until it is in force there, and sounds the alarm while it is not.</summary>
internal sealed class OtherBrokerDesk(IEnforcer enforcer, Roster roster, AuditTrail trail, ILogger logger)
{
    private volatile bool _isInStep = true;

    /// <summary>What the center last told it is in force there.</summary>
    public bool IsInStep => _isInStep;

    /// <summary>See <see cref="IEnforcer.EnforceAsync"/>. Returns when it is in force, or the attempt failed; then every round tries again.</summary>
    /// <returns>Sessions that were closed; null: not in force.</returns>
    public async Task<int?> InForceAsync(IReadOnlyList<string> closing, bool policyChanged, CancellationToken cancellationToken)
    {
        // Nobody tells us that a session ended there: what is refused now is away.
        roster.CloseUnadmitted();
        try
        {
            var closed = await enforcer.EnforceAsync(closing, policyChanged, cancellationToken);
            if (_isInStep) return closed;
            _isInStep = true;
            trail.Note(AuditTrail.Of(AuditTypes.Broker, Actor.Center, Address, "broker-in-step"));
            return closed;
        }
        catch (Exception e) when (e is ControlException or IOException or UnauthorizedAccessException)
        {
            if (!_isInStep) return null;
            _isInStep = false;
            trail.Note(AuditTrail.Of(AuditTypes.Security, Actor.Center, Address, "broker-not-in-step", "failed", "", new() { ["words"] = e.Message }));
            Log.OtherBrokerAlarm(logger, e.Message);
            return null;
        }
    }

    // Not the end point's own words, which begin with its address family.
    private string Address => $"{enforcer.Address.Host}:{enforcer.Address.Port}";
}
