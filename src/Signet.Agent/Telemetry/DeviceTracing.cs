using System.Diagnostics;
using Signet.Mqtt;

namespace Signet.Agent;

/// <summary>The device's part of the trace from the click to the receipt: goes on with the <c>traceparent</c> of the command's message and hands it on with the receipt's. It decides nothing.</summary>
internal static class DeviceTracing
{
    private const string Property = "traceparent";

    private static readonly ActivitySource Source = new("signet");

    public static Activity? Continue(MqttMessage message)
    {
        if (!Source.HasListeners()) return null;
        foreach (var property in message.UserProperties)
            if (property.Name == Property && ActivityContext.TryParse(property.Value, null, isRemote: true, out var parent))
                return Source.StartActivity("signet.device.command", ActivityKind.Consumer, parent);
        return null;
    }

    /// <summary>The trace a receipt was signed in; null when nobody traces.</summary>
    public static string? Current => Activity.Current is { IdFormat: ActivityIdFormat.W3C, Source.Name: "signet" } activity ? activity.Id : null;

    public static IReadOnlyList<UserProperty> Properties(string? trace) => trace is null ? [] : [new(Property, trace)];
}
