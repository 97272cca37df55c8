using System.Buffers.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Signet.Access;
using Signet.Control;
using Signet.Web.Security;
using Signet.Web.SignIn;

namespace Signet.Web.Pages.Commands;

/// <summary>One proposal, approved with a passkey of one's own. The devices check the passkey's word themselves; what stands on the page is the center's.</summary>
[Requires(Act.ApproveCommand), WithinGroups]
internal sealed class ApproveModel(CommandCenter center, ShortMemory memory) : PageModel
{
    private sealed record Asked(PasskeyQuestion Question);

    [BindProperty(SupportsGet = true)]
    public string Id { get; set; } = "";

    public PasskeyQuestion? Question { get; private set; }
    public Proposal? Proposal { get; private set; }

    /// <summary>For <c>navigator.credentials.get</c>.</summary>
    public string Options { get; private set; } = "{}";

    public string Refusal { get; private set; } = "";

    private string Key => $"{HttpContext.SessionMark()}/{Id}";

    public async Task<IActionResult> OnGetAsync(CancellationToken stop)
    {
        if (await HttpContext.Sight(center).ProposalsOfAsync(Id, stop) is not [var proposal, ..]) return NotFound();
        Proposal = proposal;
        // A token has no passkey.
        if (HttpContext.Account() is not { } account)
        {
            Refusal = "Approvals with a passkey are for people who are signed in.";
            return Page();
        }

        var asked = await center.Commands.AskPasskeyAsync(Id, account, await center.SecondFactors.PasskeysAsync(account.Id, stop), stop);
        if (!asked.TryGet(out var question, out var refusal))
        {
            Refusal = Refusal.Length > 0 ? Refusal : refusal.Message;
            return Page();
        }

        memory.Put(Key, new Asked(question), WebLimits.FactorSetup);
        Question = question;
        Options = new JsonObject
        {
            ["challenge"] = question.Challenge, ["rpId"] = question.RpId, ["userVerification"] = "required", ["timeout"] = (int)WebLimits.FactorSetup.TotalMilliseconds,
            ["allowCredentials"] = new JsonArray(new JsonObject { ["type"] = "public-key", ["id"] = Base64Url.EncodeToString(question.Credential) }),
        }.ToJsonString();
        return Page();
    }

    public async Task<IActionResult> OnPostAsync([FromForm] string? credential, CancellationToken stop)
    {
        Refusal = await TakeAsync(credential ?? "", stop);
        return Refusal.Length == 0 ? Redirect("/commands") : await OnGetAsync(stop);
    }

    private async Task<string> TakeAsync(string credential, CancellationToken stop)
    {
        if (memory.Take<Asked>(Key) is not { } asked) return "The question is too old; here is a new one.";
        if (!TryRead(credential, out var authenticator, out var client, out var signature)) return "The browser's answer is not a passkey's signature.";
        if ((await center.Commands.ApproveAsync(asked.Question, authenticator, client, signature, HttpContext.Actor(), stop)).Refusal is { } refusal) return refusal.Message;
        // Its counter and its copies, for the next sign-in: WebAuthn section 6.1, bytes 33 to 36 and bit 4 of the flags.
        await center.SecondFactors.MarkPasskeyUsedAsync(asked.Question.Credential, System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(authenticator.AsSpan(33)), (authenticator[32] & 0x10) != 0, stop);
        return "";
    }

    private static bool TryRead(string credential, out byte[] authenticator, out byte[] client, out byte[] signature)
    {
        (authenticator, client, signature) = ([], [], []);
        if (credential.Length > WebLimits.CredentialCharacters) return false;
        try
        {
            if (JsonNode.Parse(credential, documentOptions: new() { MaxDepth = 8, AllowDuplicateProperties = false })?["response"] is not JsonObject response) return false;
            (authenticator, client, signature) = (Read(response, "authenticatorData"), Read(response, "clientDataJSON"), Read(response, "signature"));
            return authenticator.Length >= 37 && client.Length > 0 && signature.Length > 0;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            return false;
        }
    }

    private static byte[] Read(JsonObject response, string name) => (string?)response[name] is { } text ? Base64Url.DecodeFromChars(text) : [];
}
