using Signet.Control;

namespace Signet.Web.Looks;

/// <summary>Which colour a state has. The word always stands beside it.</summary>
public static class Tone
{
    public static string Of(DeviceRecord device) => !device.Enabled || device.Trouble is not null ? "bad" : device.Presence.State == PresenceState.Online ? "good" : "quiet";

    public static string Word(DeviceRecord device) => !device.Enabled ? "disabled" : device.Presence.State switch
    {
        PresenceState.Online => device.Trouble ?? "online",
        PresenceState.Offline => "offline",
        _ => device.Presence.LastSeen is null ? "never seen" : "unknown",
    };

    public static string OfCommand(string state) => state switch
    {
        "executed" => "good",
        "rejected" or "failed" => "bad",
        "interrupted" or "unanswered" or "cancelled" or "expired" => "warn",
        _ => "info",
    };

    public static string OfRollout(string state) => state switch { "done" => "good", "stopped" => "bad", "cancelled" => "warn", _ => "info" };

    public static string OfOutcome(string outcome) => outcome switch
    {
        "success" or "executed" or "ok" => "good",
        "refused" or "rejected" or "denied" => "bad",
        "failed" or "unanswered" or "interrupted" => "warn",
        _ => "quiet",
    };

    public static string OfType(string type) => type switch
    {
        "auth_fail" or "security" or "replay" or "authorization" => "bad",
        "validation" => "warn",
        "auth" or "command" or "certificate" => "info",
        _ => "quiet",
    };

    public static string OfCertificate(string state) => state switch { "valid" => "good", "revoked" or "expired" => "bad", _ => "warn" };
}
