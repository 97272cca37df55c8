using Signet.Mqtt;
using Signet.Mqtt.Broker;

namespace Signet.Control;

/// <summary>Closes sessions on the embedded broker from any room of the center; does nothing while no broker runs, because then nobody is connected.</summary>
internal sealed class SessionCutter
{
    private volatile MqttBroker? _broker;

    public void Attach(MqttBroker? broker) => _broker = broker;

    /// <summary>MQTT 0x98 (administrative action). With <paramref name="purge"/> what waits for the session goes too.</summary>
    /// <returns>Sessions that were hit.</returns>
    public int Cut(Predicate<SessionInfo> which, string reason, bool purge) => _broker?.Disconnect(which, ReasonCode.AdministrativeAction, reason, purge) ?? 0;
}
