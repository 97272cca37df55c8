using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Signet.Wire.Tests;

/// <summary>One message, one encoding: nothing but the exact bytes is accepted.</summary>
public sealed class EncodingProperties
{
    private static readonly (string Name, byte[] Message)[] Signed =
    [
        ("PS256", CommandMessage.Sign(TestKeys.Command, TestKeys.Center)),
        ("HS256", CommandMessage.Sign(TestKeys.Command, TestKeys.CenterShared)),
    ];

    [Fact]
    public void Flipping_any_bit_is_refused()
    {
        foreach (var (name, message) in Signed)
        {
            CommandMessage.TryVerify(message, TestKeys.AtDevice, out _, out var unchanged).ShouldBeTrue(unchanged.ToString());
            var reasons = new HashSet<RejectReason>();
            for (var bit = 0; bit < message.Length * 8; bit++)
            {
                var copy = message.ToArray();
                copy[bit / 8] ^= (byte)(1 << (bit % 8));
                CommandMessage.TryVerify(copy, TestKeys.AtDevice, out _, out var rejection).ShouldBeFalse($"{name}, bit {bit}");
                reasons.Add(rejection.Reason);
            }
            reasons.ShouldBe([RejectReason.Malformed, RejectReason.UnknownKey, RejectReason.AlgorithmNotAllowed, RejectReason.BadSignature], ignoreOrder: true, name);
        }
    }

    [Fact]
    public void Cutting_or_adding_anything_anywhere_is_refused()
    {
        var message = Signed[1].Message;
        for (var i = 0; i < message.Length; i++)
        {
            Refused([.. message[..i], .. message[(i + 1)..]]);
            Refused([.. message[..i], (byte)'A', .. message[i..]]);
            Refused(message[..i]);
        }

        static void Refused(byte[] bytes) => CommandMessage.TryVerify(bytes, TestKeys.AtDevice, out _, out _).ShouldBeFalse(Encoding.UTF8.GetString(bytes));
    }

    [Fact]
    public void Arbitrary_bytes_are_refused_and_never_throw()
    {
        var pieces = Encoding.ASCII.GetString(Signed[0].Message).Split('.');
        var texts = Gen.Elements(pieces[0], pieces[1], pieces[2], ".", ".", "..", "A", "=", "e30", "eyJhbGciOiJub25lIn0").ListOf().Select(p => Encoding.ASCII.GetBytes(string.Concat(p)));
        var noise = ArbMap.Default.GeneratorFor<byte[]>().Select(b => b ?? []);
        Prop.ForAll(Gen.OneOf(texts, noise).ToArbitrary(), bytes =>
        {
            MessagePeek.TryReadUnverified(bytes, out _);
            return CommandMessage.TryVerify(bytes, TestKeys.AtDevice, out _, out var rejection)
                ? bytes.AsSpan().SequenceEqual(Signed[0].Message)
                : rejection.Reason != RejectReason.None && rejection.Detail.Length > 0;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(5_000));
    }

    [Fact]
    public void Claims_survive_signing_and_verifying()
    {
        var claims = from name in Gen.Elements("alice", "Zoë", "董事", "a\"b\\c")
                     from text in ArbMap.Default.GeneratorFor<string>()
                     from number in ArbMap.Default.GeneratorFor<double>()
                     from sequence in Gen.Choose(1, int.MaxValue)
                     where text is not null && !text.Any(char.IsSurrogate) && double.IsFinite(number)
                     select TestKeys.Command with { OriginatorName = name, Sequence = sequence, Arguments = new() { ["text"] = text, ["number"] = number } };
        Prop.ForAll(claims.ToArbitrary(), made =>
        {
            var message = CommandMessage.Sign(made, TestKeys.CenterShared);
            CommandMessage.TryVerify(message, TestKeys.AtDevice, out var verified, out var rejection).ShouldBeTrue(rejection.ToString());
            CommandMessage.Sign(verified!.Claims, TestKeys.CenterShared).ShouldBe(message);
            verified.Bytes.ToArray().ShouldBe(message);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));
    }
}
