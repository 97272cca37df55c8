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
    public async Task InForceAsync(IReadOnlyList<string> closing, bool policyChanged, CancellationToken cancellationToken)
    {
        // Nobody tells us that a session ended there: what is refused now is away.
        roster.CloseUnadmitted();
        try
        {
            await enforcer.EnforceAsync(closing, policyChanged, cancellationToken);
            if (_isInStep) return;
            _isInStep = true;
            trail.Note(AuditTrail.Of(AuditTypes.Broker, Actor.Center, enforcer.Address.ToString(), "broker-in-step"));
        }
        catch (Exception e) when (e is ControlException or IOException or UnauthorizedAccessException)
        {
            if (!_isInStep) return;
            _isInStep = false;
            trail.Note(AuditTrail.Of(AuditTypes.Security, Actor.Center, enforcer.Address.ToString(), "broker-not-in-step", "failed", "", new() { ["words"] = e.Message }));
            Log.OtherBrokerAlarm(logger, e.Message);
        }
    }
}
