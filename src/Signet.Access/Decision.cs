namespace Signet.Access;

/// <summary>An answer with its reason. The default value is a denial.</summary>
/// <param name="Rule">Name of the rule that decided; <see cref="NoRule"/> when none did.</param>
/// <param name="Version">Version of the policy that was asked.</param>
public readonly record struct Decision(bool Allowed, string Rule, long Version)
{
    /// <summary>Nothing allows it, so it is denied.</summary>
    public const string NoRule = "no-rule-allows";

    /// <summary>The topic or filter is not legal MQTT.</summary>
    public const string Malformed = "malformed-topic";
}
