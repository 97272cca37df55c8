using Signet.Access;
using Signet.Control;

namespace Signet.Web.BrokerAuth;

/// <summary>
/// The questions of three families of brokers, each in its own words. Every method answers null for yes, or the reason of the no.
/// </summary>
internal sealed class AuthRoutes(CommandCenter center)
{
    public const string Malformed = "malformed";

    /// <summary>Said to a peer in place of every reason that would help to guess: which of name, code and password was wrong.</summary>
    private const string NotAuthorized = "not-authorized";

    // go-auth's numbers (Mosquitto's MOSQ_ACL_*).
    private const string Read = "1", Write = "2", ReadWrite = "3", Subscribe = "4", Unsubscribe = "8";

    // ---- mosquitto-go-auth, backend http ----

    /// <exception cref="AuthBusyException">Neither yes nor no: ask again.</exception>
    public async ValueTask<string?> GoUserAsync(AuthFields fields, string from, CancellationToken stop)
    {
        if (fields["username"] is not { } user || fields["password"] is not { } password) return Malformed;
        return await LogInAsync(user, password, fields.Text("clientid"), from, stop);
    }

    /// <summary>There are no superusers.</summary>
    public static string? GoSuperuser(AuthFields fields) => fields["username"] is null ? Malformed : "no-superusers";

    public string? GoAcl(AuthFields fields)
    {
        if (fields["username"] is not { } user || fields["topic"] is not { } topic || fields["acc"] is not { } access) return Malformed;
        return access switch
        {
            // A filter asked as "read" is a subscription in all but name.
            Read => Ask(user, topic.AsSpan().IndexOfAny('+', '#') >= 0 ? TopicAction.Subscribe : TopicAction.Deliver, topic),
            Write => Ask(user, TopicAction.Publish, topic),
            ReadWrite => Ask(user, TopicAction.Publish, topic) ?? Ask(user, TopicAction.Deliver, topic),
            Subscribe => Ask(user, TopicAction.Subscribe, topic),
            // Mosquitto 2 asks about this too. Whoever no longer wants a topic may always say so.
            Unsubscribe => center.ForeignBrokers.IsKnown(user, out var why) ? null : why,
            _ => Malformed,
        };
    }

    // ---- RabbitMQ, rabbitmq_auth_backend_http ----

    private const string Exchange = "amq.topic";

    /// <summary>
    /// Only certificates: RabbitMQ lets a user name and password in CONNECT win over the certificate, so whoever sends a password is not who the certificate says, and is refused.
    /// </summary>
    public string? RabbitUser(AuthFields fields)
    {
        if (fields["username"] is not { Length: > 0 } user) return Malformed;
        if (fields["password"] is { Length: > 0 }) return "password-refused";
        return center.ForeignBrokers.IsAdmitted(user, out var why) ? null : why;
    }

    public string? RabbitVhost(AuthFields fields)
    {
        if (fields["username"] is not { } user || fields["vhost"] is not { } vhost) return Malformed;
        if (vhost != "/") return "vhost-unknown";
        return center.ForeignBrokers.IsAdmitted(user, out var why) ? null : why;
    }

    /// <summary>Of all resources only MQTT's exchange (its topics are asked about one by one) and the queues of one's own client id: see <see cref="ForeignBrokers.OwnerOf"/>.</summary>
    public string? RabbitResource(AuthFields fields)
    {
        if (fields["username"] is not { } user || fields["resource"] is not { } resource || fields["name"] is not { } name || fields["permission"] is not { } permission) return Malformed;
        if (!center.ForeignBrokers.IsAdmitted(user, out var why)) return why;
        return resource switch
        {
            "exchange" when name == Exchange && permission is "read" or "write" => null,
            "queue" when ForeignBrokers.ClientOfQueue(name) is { } client && center.ForeignBrokers.OwnerOf(client) == user => null,
            _ => "resource-refused",
        };
    }

    /// <summary>Topics come with <c>.</c> for <c>/</c> and <c>*</c> for <c>+</c>. Reading is asked once, at the subscription, so it is judged as one.</summary>
    public string? RabbitTopic(AuthFields fields)
    {
        if (fields["username"] is not { } user || fields["routing_key"] is not { } key || fields["name"] is not { } name || fields["permission"] is not { } permission) return Malformed;
        if (name != Exchange) return "resource-refused";
        var topic = ForeignBrokers.TopicOfKey(key);
        return permission switch
        {
            "write" => Ask(user, TopicAction.Publish, topic),
            "read" => Ask(user, TopicAction.Subscribe, topic),
            _ => Malformed,
        };
    }

    // ---- EMQX 5, HTTP authentication and authorization ----

    /// <summary>With a certificate its common name decides and a password is refused; without one it is a TOTP account.</summary>
    /// <exception cref="AuthBusyException">Neither yes nor no: ask again.</exception>
    public async ValueTask<string?> EmqxAuthnAsync(AuthFields fields, string from, CancellationToken stop)
    {
        if (fields["username"] is not { Length: > 0 } user) return Malformed;
        var common = fields.Text("cert_common_name");
        if (common.Length == 0 || common == "undefined")
            return fields["password"] is { } password ? await LogInAsync(user, password, fields.Text("clientid"), from, stop) : Malformed;
        if (fields["password"] is { Length: > 0 } given && given != "undefined") return "password-refused";
        if (common != user) return "certificate-names-another";
        return center.ForeignBrokers.IsAdmitted(common, out var why) ? null : why;
    }

    public string? EmqxAuthz(AuthFields fields)
    {
        if (fields["username"] is not { } user || fields["topic"] is not { } topic || fields["action"] is not { } action) return Malformed;
        return action switch
        {
            "publish" => Ask(user, TopicAction.Publish, topic) ?? (fields.Text("retain") == "true" ? Ask(user, TopicAction.Retain, topic) : null),
            "subscribe" => Ask(user, TopicAction.Subscribe, topic),
            _ => Malformed,
        };
    }

    private string? Ask(string user, TopicAction action, string topic)
    {
        var decision = center.ForeignBrokers.Decide(user, action, topic);
        return decision.Allowed ? null : decision.Rule;
    }

    private async ValueTask<string?> LogInAsync(string user, string password, string client, string from, CancellationToken stop)
    {
        var answer = await center.TotpLogin.LogInAsync(new(user, System.Text.Encoding.UTF8.GetBytes(password), client, from, "http", IsPeer: false), stop);
        if (answer.Account is not null) return null;
        return answer.Reason switch
        {
            TotpLogin.Busy or TotpLogin.Unavailable => throw new AuthBusyException(),
            TotpLogin.Used or TotpLogin.Limited => answer.Reason,
            _ => NotAuthorized,
        };
    }
}

/// <summary>The center can say neither yes nor no now; answered with 503, which go-auth takes as an error and not as a no.</summary>
internal sealed class AuthBusyException : Exception;
