using System.Security.Cryptography;
using System.Text;
using Signet.Wire;

namespace Signet.Control;

/// <summary>What a person's passkey is asked to sign for one proposal.</summary>
/// <param name="Proposal">What is approved.</param>
/// <param name="SignedPart">Of the approval: everything but the passkey's proof.</param>
/// <param name="Challenge">Base64url; what the browser is given.</param>
/// <param name="Credential">Id of the passkey.</param>
/// <param name="RpId">The manifest's word about where it may be used.</param>
public sealed record PasskeyQuestion(Proposal Proposal, string SignedPart, string Challenge, byte[] Credential, string RpId);

public sealed partial class Commands
{
    // COSE_Key of a P-256 key for ES256 in the one encoding CTAP2 allows (CBOR, canonical): {1: 2, 3: -7, -1: 1, -2: x, -3: y}.
    private static ReadOnlySpan<byte> CoseHead => [0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
    private static ReadOnlySpan<byte> CoseMiddle => [0x22, 0x58, 0x20];

    /// <summary>Makes the question for one of this person's passkeys that the manifest lists. What the device will check is signed; what the person sees is the center's page.</summary>
    public async Task<Outcome<PasskeyQuestion>> AskPasskeyAsync(string proposalId, Account account, IReadOnlyList<Passkey> passkeys, CancellationToken cancellationToken = default)
    {
        if (await ProposalsOfAsync(proposalId, cancellationToken) is not [var proposal, ..]) return new Refusal(RefusalCode.NotFound, $"there is no proposal '{AuthorizedCommand.Shown(proposalId)}'");
        var listed = _manifests.Newest(proposal.Devices[0])?.Claims.Approvers.Where(a => a.Passkey is not null && a.Person == account.Name).ToList() ?? [];
        foreach (var passkey in passkeys)
        {
            if (PublicKeyOf(passkey) is not { } key || listed.Find(a => a.Certificate.Span.SequenceEqual(key)) is not { } approver) continue;
            var part = ApprovalMessage.SignedPart(new()
            {
                Issuer = account.Name, Id = _signer.NewId(), IssuedAt = _time.GetUtcNow(), Proposal = proposal.Id, Class = proposal.Class, Devices = proposal.Devices, Command = proposal.Command,
                Arguments = proposal.Arguments, NotAfter = proposal.NotAfter, Requester = proposal.Requester,
            }, approver.KeyId);
            return new PasskeyQuestion(proposal, Encoding.ASCII.GetString(part), WebAuthnProof.ChallengeOf(part), passkey.Id, approver.Passkey!.RpId);
        }

        return new Refusal(RefusalCode.NotAllowed, $"the manifest of {proposal.Devices[0]} lists no passkey of {account.Name} that is registered here; approve with `signet command approve`, or have your passkey put into the manifest");
    }

    /// <summary>Takes a passkey's answer to that question, as a signed approval is taken.</summary>
    /// <param name="question">As it was asked.</param>
    /// <param name="authenticatorData">As the browser gave it; it is judged like the devices will judge it.</param>
    /// <param name="clientDataJson">As above.</param>
    /// <param name="signature">DER.</param>
    /// <param name="actor">Who handed it in.</param>
    /// <param name="cancellationToken">Gives up waiting for another's approval.</param>
    public async Task<Outcome<Proposal>> ApproveAsync(PasskeyQuestion question, byte[] authenticatorData, byte[] clientDataJson, byte[] signature, Actor actor, CancellationToken cancellationToken = default)
        => WebAuthnProof.Encode(authenticatorData, clientDataJson, signature) is { } proof
            ? await ApproveAsync(question.Proposal.Id, ApprovalMessage.WithProof(Encoding.ASCII.GetBytes(question.SignedPart), proof), actor, cancellationToken)
            : new Refusal(RefusalCode.BadInput, "the browser's answer is not a passkey's signature");

    /// <summary>The public key of a passkey (SubjectPublicKeyInfo, DER); null when it is no P-256 key.</summary>
    public static byte[]? PublicKeyOf(Passkey passkey)
    {
        var cose = passkey.PublicKey.AsSpan();
        var (head, middle) = (CoseHead.Length, CoseHead.Length + 32);
        if (cose.Length != middle + CoseMiddle.Length + 32 || !cose.StartsWith(CoseHead) || !cose[middle..].StartsWith(CoseMiddle)) return null;
        try
        {
            using var key = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = new() { X = cose.Slice(head, 32).ToArray(), Y = cose[^32..].ToArray() } });
            return key.ExportSubjectPublicKeyInfo();
        }
        catch (CryptographicException)
        {
            return null;
        }
    }
}
