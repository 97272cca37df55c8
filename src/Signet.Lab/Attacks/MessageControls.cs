namespace Signet.Lab;

/// <summary>Controls of the message layer; how each is left out stands in <see cref="DeviceBench"/>.</summary>
internal static class MessageControls
{
    private static readonly string[] Integrity = ["IEC CR 3.1", "ETSI 5.5", "OWASP I7"], Identity = ["IEC CR 1.2", "IEC CR 1.9", "ETSI 5.5"], Input = ["IEC CR 3.5", "ETSI 5.13"];

    public static IReadOnlyList<Control> All { get; } =
    [
        Of("pinned-keys", "Receivers pin the thumbprint of the one key that may command them.", Identity, "a ring that also holds the attacker's certificate as the center's"),
        Of("signature", "Every byte of a message is under the center's signature.", [.. Integrity, "IEC CR 2.12"], "a reader that decodes the signature and does not check it"),
        Of("algorithm-pinning", "The algorithm belongs to the key and is never read from the message.", ["IEC CR 4.3", "IEC CR 3.1"], "a reader that believes the header's alg"),
        Of("strict-header", "The header has exactly its three members.", ["IEC CR 1.9", "IEC CR 3.5"], "a reader that uses a key it finds in the header"),
        Of("message-type", "Each kind of message names its type, under the signature.", Integrity, "a reader that does not look at typ"),
        Of("issuer-binding", "A key speaks for one name only.", Identity, "the neighbour's key pinned for the center's name"),
        Of("recipient", "A message names its device and its topic.", ["IEC CR 3.1", "IEC CR 2.1"], "an expectation taken from the message itself"),
        Of("topic-binding", "The signed topic is where the message arrived.", ["IEC CR 3.1", "ETSI 5.5"], "an expectation whose topic is the message's own"),
        Of("replay-window", "Each (epoch, sequence) is taken once.", ["IEC CR 3.1", "IEC CR 3.8", "ETSI 5.5"], "a new window for each message"),
        Of("replay-memory", "What was seen survives a restart.", ["IEC CR 3.1", "ETSI 5.9"], "a device that starts with an empty window"),
        Of("freshness", "Commands older than 30 s, or past their own expiry, are refused.", ["IEC CR 3.1", "ETSI 5.5"], "an expectation whose clock is the message's"),
        Of("clock-skew", "Commands from more than 5 s ahead are refused.", ["IEC CR 3.1"], "an expectation whose clock is the message's"),
        Of("restore-epoch", "A center restored from a backup begins an epoch above all of the lost one's: the clock is in it.", ["IEC CR 3.1", "ETSI 5.9"], "a center that goes on counting from its backup"),
        Of("epoch-bound", "An epoch ahead of the clock is refused, so none can be spent in advance.", ["IEC CR 3.1", "IEC CR 7.1", "ETSI 5.9"], "a window asked with the end of time"),
        Of("device-allow-list", "The device has its own list of commands, whatever the center signs.", ["IEC CR 2.1", "ETSI 5.6"], "a device without the list"),
        Of("argument-schema", "Arguments are exactly those of the command, within their bounds.", Input, "a device that hands any arguments on"),
        Of("canonical-encoding", "There is one encoding of a message; others are malformed.", [.. Input, "IEC CR 3.1"], "a lenient reader"),
        Of("signed-only", "There is no unsigned form of a command.", ["IEC CR 1.2", "ETSI 5.5", "OWASP I9"], "a device that takes plain JSON too"),
        Of("commit-last", "A number counts as used only when its message has passed every check.", ["IEC CR 3.1", "IEC CR 7.1", "ETSI 5.9"], "a device that counts a number as used when it reads it"),
        Of("sealed-authentication", "Envelopes are encrypted and authenticated in one (AES-256-GCM), header included.", ["IEC CR 4.1", "IEC CR 4.3", "IEC CR 3.1"], "an opener that decrypts in counter mode and never looks at the tag"),
        new("only-sealed", AttackLayer.Supply, "A device can demand that its commands are sealed.", ["IEC CR 4.1", "ETSI 5.5"], "a device that takes both"),
        new("two-person-rule", AttackLayer.Supply, "Commands of a class need the signed yes of several people, judged by the device.", ["IEC CR 2.1", "IEC CR 2.12"], "a device to which the center's signature is enough"),
        new("one-command-per-proposal", AttackLayer.Supply, "Approvals are good for one command, once.", ["IEC CR 2.1", "IEC CR 3.8"], "a device that does not remember proposals"),
        Of("total-parser", "Any bytes get a reason; nothing is parsed beyond its limit.", [.. Input, "IEC CR 7.1", "IEC CR 7.2"], "a parser that reads everything and throws"),
    ];

    private static Control Of(string name, string meaning, string[] requirements, string leftOut) => new(name, AttackLayer.Message, meaning, requirements, leftOut);
}
