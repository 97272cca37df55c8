using System.Diagnostics;
using Signet.Mqtt;

namespace Signet.Control;

/// <summary>The trace from the click to the receipt (W3C Trace Context), carried in the MQTT 5 user property <c>traceparent</c>. Not signed, never believed: it decides nothing.</summary>
internal static class Tracing
{
    public const string Property = "traceparent";

    public static ActivitySource Source { get; } = new("signet", CommandCenter.Version);

    /// <summary>The present trace as a user property; nothing when nobody traces.</summary>
    public static IReadOnlyList<UserProperty> Properties => Activity.Current is { IdFormat: ActivityIdFormat.W3C, Id: { } id } ? [new(Property, id)] : [];

    /// <summary>Goes on with the trace that a message carries, if any.</summary>
    public static Activity? Continue(string name, MqttMessage message)
    {
        if (!Source.HasListeners()) return null;
        foreach (var property in message.UserProperties)
            if (property.Name == Property && ActivityContext.TryParse(property.Value, null, isRemote: true, out var parent))
                return Source.StartActivity(name, ActivityKind.Consumer, parent);
        return null;
    }
}
