using Signet.Access;
using Signet.Audit;

namespace Signet.Control;

/// <summary>
/// The questions of brokers that are not ours (Mosquitto with go-auth, RabbitMQ, EMQX), answered by the same policy. All such a broker knows of somebody is a name: a name that more than
/// one device, person or account goes by is denied, because nobody could say whose rights are meant.
/// </summary>
public sealed class ForeignBrokers
{
    /// <summary>Why nothing was asked of the policy.</summary>
    public const string Unknown = "not-admitted", Ambiguous = "name-ambiguous";

    private readonly Askers _askers;
    private readonly Func<AccessPolicy> _policy;

    private readonly RepeatedNotes _notes;

    internal ForeignBrokers(Askers askers, Func<AccessPolicy> policy, RepeatedNotes notes) => (_askers, _policy, _notes) = (askers, policy, notes);

    /// <summary>Somebody asked who is not one of the named brokers: on the record.</summary>
    public void Stranger(string from) => _notes.Add(new(AuditTypes.Security, "", "broker-auth", "question-refused", "refused", "address-not-allowed") { Personal = new System.Text.Json.Nodes.JsonObject { ["from"] = from } }, from);

    /// <summary>Somebody spoke for another at the console and is no proxy that may: on the record.</summary>
    public void Forged(string from, string reason) => _notes.Add(new(AuditTypes.Security, "", "console", "forwarded-identity-refused", "refused", reason) { Personal = new System.Text.Json.Nodes.JsonObject { ["from"] = from } }, from);

    /// <summary>May it? <paramref name="user"/> as the broker knows it: <c>NAME|CODE</c> of a TOTP account (the code was checked at log-in and is not looked at), or the name in a certificate.</summary>
    public Decision Decide(string user, TopicAction action, string topicOrFilter)
        => Find(user, out var why) is { } principal ? _askers.Decide(_policy(), principal, action, topicOrFilter, asksEach: false) : new(false, why, _policy().Version);

    /// <summary>Anybody who may come in: by certificate, or as a TOTP account.</summary>
    public bool IsKnown(string user, out string why) => Find(user, out why) is not null;

    /// <summary>Somebody whose certificate the broker has verified, by the name in it.</summary>
    public bool IsAdmitted(string name, out string why) => Find(name, out why) is { Kind: not PrincipalKind.Account };

    /// <summary>The client id in the name of a queue that RabbitMQ made for a subscriber (<c>mqtt-subscription-CLIENTqos1</c>); null: it is no such queue.</summary>
    public static string? ClientOfQueue(string queue) => queue.StartsWith(QueuePrefix, StringComparison.Ordinal) && queue.Length > QueuePrefix.Length + 4 && queue[^4..] is "qos0" or "qos1" ? queue[QueuePrefix.Length..^4] : null;

    /// <summary>RabbitMQ's routing key as a topic: <c>.</c> for <c>/</c> and <c>*</c> for <c>+</c>.</summary>
    public static string TopicOfKey(string key) => key.Replace('.', '/').Replace('*', '+');

    /// <summary>
    /// Whose client id it is: somebody's name, or a name, <c>-</c> and more; of several the longest, so that <c>door-1</c> is door-1's and never door's. Null: nobody's. A broker that keeps
    /// sessions by client id alone must let nobody use another's.
    /// </summary>
    public string? OwnerOf(string client)
    {
        for (var cut = client.Length; cut > 0; cut = client.LastIndexOf('-', cut - 1))
        {
            // A client id may have thousands of hyphens; a name is short.
            if (cut <= ControlLimits.NameCharacters && _askers.ByName(client[..cut]).Count > 0) return client[..cut];
        }

        return null;
    }

    private const string QueuePrefix = "mqtt-subscription-";

    private Principal? Find(string user, out string why)
    {
        why = Unknown;
        if (user.LastIndexOf('|') is >= 0 and var bar) return _askers.Account(user[..bar]);
        var found = _askers.ByName(user);
        if (found.Count > 1) why = Ambiguous;
        return found.Count == 1 ? found[0] : null;
    }
}
