using System.Text.Json;
using Signet.Wire;

namespace Signet.Agent;

/// <summary>What stands in <c>device.json</c> (docs/spec/device-home.md). Unknown, missing and repeated members are errors that name themselves.</summary>
public sealed record DeviceSettings
{
    public required string Name { get; init; }

    /// <summary><c>thermostat</c>, <c>door</c>, <c>valve</c>, or any other word for a device of one's own.</summary>
    public required string Kind { get; init; }

    public required string BrokerHost { get; init; }
    public required int BrokerPort { get; init; }

    /// <summary>The <c>iss</c> of commands and the <c>aud</c> of receipts.</summary>
    public required string Center { get; init; }

    /// <summary>The only commands this device takes, whatever the center signs.</summary>
    public required IReadOnlySet<string> Commands { get; init; }

    public required TimeSpan TelemetryInterval { get; init; }

    /// <summary>Time between two heartbeats.</summary>
    public required TimeSpan HeartbeatInterval { get; init; }

    /// <summary>MQTT keep alive.</summary>
    public required TimeSpan KeepAlive { get; init; }

    /// <summary>Speak MQTT 3.1.1: for a broker that knows no other.</summary>
    public bool SpeaksMqtt311 { get; init; }

    /// <summary>Take only commands that are sealed to this device.</summary>
    public bool OnlySealed { get; init; }

    /// <summary>False: the clock cannot be believed; commands must echo the boot nonce instead.</summary>
    public bool HasClock { get; init; } = true;

    /// <summary>The center's console (<c>https://HOST:8443</c>), where the certificate is renewed; null: nowhere.</summary>
    public Uri? Renewal { get; init; }

    /// <exception cref="AgentException">Says which member is wrong and how.</exception>
    public static DeviceSettings Parse(ReadOnlyMemory<byte> json, string path)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 4, AllowDuplicateProperties = false });
            return Read(new Members(document.RootElement, path));
        }
        catch (JsonException e)
        {
            throw new AgentException($"{path} is not valid JSON: {e.Message}", e);
        }
    }

    private static DeviceSettings Read(Members members)
    {
        if (members.Integer("version", 1, 1) != 1) throw members.Wrong("version", "must be 1");
        var broker = members.Text("broker");
        if (!Uri.TryCreate($"mqtts://{broker}", UriKind.Absolute, out var address) || address.Port <= 0 || address.AbsolutePath.Length > 1 || address.UserInfo.Length > 0 || address.Query.Length > 0)
            throw members.Wrong("broker", "must be HOST:PORT");
        var settings = new DeviceSettings
        {
            Name = members.Text("name", Topics.IsDeviceName, "must be a device's name ([a-z0-9][a-z0-9._-]{0,62})"),
            Kind = members.Text("kind", Topics.IsWord, "must be one word in lower case"),
            BrokerHost = address.IdnHost.Trim('[', ']'),
            BrokerPort = address.Port,
            Center = members.Text("center", Topics.IsPartyName, "must be the center's name (command_center)"),
            Commands = members.Words("commands"),
            TelemetryInterval = TimeSpan.FromSeconds(members.OptionalInteger("telemetrySeconds", AgentLimits.TelemetrySecondsLeast, AgentLimits.TelemetrySecondsMost, AgentLimits.TelemetrySecondsDefault)),
            HeartbeatInterval = TimeSpan.FromSeconds(members.OptionalInteger("heartbeatSeconds", 1, WireLimits.HeartbeatSeconds, AgentLimits.HeartbeatSecondsDefault)),
            KeepAlive = TimeSpan.FromSeconds(members.OptionalInteger("keepAliveSeconds", AgentLimits.KeepAliveSecondsLeast, AgentLimits.KeepAliveSecondsMost, AgentLimits.KeepAliveSecondsDefault)),
            SpeaksMqtt311 = members.OptionalWord("mqtt", "5", "3.1.1") == "3.1.1",
            OnlySealed = members.OptionalFlag("onlySealed", otherwise: false),
            HasClock = members.OptionalFlag("clock", otherwise: true),
            Renewal = members.OptionalAddress("renewal"),
        };
        members.RequireAllRead();
        return settings;
    }

    private sealed class Members(JsonElement root, string path)
    {
        private readonly Dictionary<string, JsonElement> _left = root.ValueKind == JsonValueKind.Object
            ? root.EnumerateObject().ToDictionary(p => p.Name, p => p.Value, StringComparer.Ordinal)
            : throw new AgentException($"{path} must hold a JSON object");

        public AgentException Wrong(string name, string what) => new($"{path}: \"{name}\" {what}");

        public string Text(string name, Func<string?, bool>? shape = null, string what = "must be a text")
        {
            var value = Take(name);
            return value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 and <= 512 } text && shape?.Invoke(text) != false ? text : throw Wrong(name, what);
        }

        public int Integer(string name, int least, int most) =>
            Take(name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt32(out var number) && number >= least && number <= most
                ? number
                : throw Wrong(name, $"must be an integer from {least} to {most}");

        public int OptionalInteger(string name, int least, int most, int otherwise) => _left.ContainsKey(name) ? Integer(name, least, most) : otherwise;

        /// <summary>The first of the words when it is absent.</summary>
        public string OptionalWord(string name, params string[] words) => !_left.ContainsKey(name) ? words[0] : Text(name, words.Contains, $"must be {string.Join(" or ", words.Select(word => $"\"{word}\""))}");

        public bool OptionalFlag(string name, bool otherwise) => !_left.ContainsKey(name) ? otherwise : Take(name).ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw Wrong(name, "must be true or false"),
        };

        public Uri? OptionalAddress(string name) => !_left.ContainsKey(name) ? null
            : Uri.TryCreate(Text(name), UriKind.Absolute, out var address) && address.Scheme == Uri.UriSchemeHttps && address.UserInfo.Length == 0 ? address : throw Wrong(name, "must be https://HOST:PORT");

        public HashSet<string> Words(string name)
        {
            var value = Take(name);
            if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > AgentLimits.Commands) throw Wrong(name, $"must be a list of at most {AgentLimits.Commands} commands");
            var words = new HashSet<string>(StringComparer.Ordinal);
            foreach (var element in value.EnumerateArray())
            {
                if (element.ValueKind != JsonValueKind.String || element.GetString() is not { } word || !Topics.IsWord(word)) throw Wrong(name, "must hold names of commands ([a-z0-9][a-z0-9._-]{0,63})");
                if (!words.Add(word)) throw Wrong(name, $"names \"{word}\" twice");
            }
            return words;
        }

        public void RequireAllRead()
        {
            if (_left.Count > 0) throw new AgentException($"{path}: unknown member \"{_left.Keys.First()}\"");
        }

        private JsonElement Take(string name) => _left.Remove(name, out var value) ? value : throw Wrong(name, "is missing");
    }
}
