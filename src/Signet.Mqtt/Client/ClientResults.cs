namespace Signet.Mqtt.Client;

/// <summary>Outcome of one publish.</summary>
/// <param name="Reason">Success, NoMatchingSubscribers, or the broker's refusal. QoS 0 is always Success: nobody answers.</param>
/// <param name="ReasonString">The broker's words, when it sent some.</param>
public readonly record struct PublishResult(ReasonCode Reason, string? ReasonString = null)
{
    public bool IsAccepted => !Reason.IsError();
}

/// <summary>A message that an earlier process published and did not see finished.</summary>
/// <param name="Message">As published; its expiry is what is left.</param>
/// <param name="Result">The broker's answer, as PublishAsync would have given it.</param>
public sealed record ResumedPublish(MqttMessage Message, Task<PublishResult> Result);

/// <summary>Outcome of one filter of a SUBSCRIBE or UNSUBSCRIBE.</summary>
public readonly record struct SubscribeResult(string Filter, ReasonCode Reason)
{
    public bool IsAccepted => !Reason.IsError();
}

/// <summary>Where the connection stands.</summary>
public enum MqttClientState
{
    Connecting,
    Connected,

    /// <summary>Broken; the client waits or tries again.</summary>
    Reconnecting,

    /// <summary>Finished: disposed, disconnected by the program, or given up.</summary>
    Closed,
}

/// <summary>A change of <see cref="MqttClient.State"/> with its cause.</summary>
/// <param name="State">The new state.</param>
/// <param name="SessionPresent">With Connected: the broker still had the session, subscriptions included.</param>
/// <param name="Cause">Why the connection ended; null when the program asked for it.</param>
public sealed record MqttClientStateChange(MqttClientState State, bool SessionPresent, MqttException? Cause);
