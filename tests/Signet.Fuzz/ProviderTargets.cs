using System.Text;
using Signet.Web.SignIn;

namespace Signet.Fuzz;

/// <summary>Any bytes as what a sign-in provider says: a document, keys, an ID token. Never throws, and nothing unsigned verifies.</summary>
public static class ProviderTarget
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public static void Fuzz(ReadOnlySpan<byte> data)
    {
        if (ProviderMetadata.Read(data, "https://id.example.org") is { } document && document.Token.Scheme != Uri.UriSchemeHttps) throw new InvalidOperationException("an address that is not safe was taken");
        var keys = ProviderKey.ReadSet(data);
        var (token, _) = IdToken.Read(Encoding.Latin1.GetString(data));
        if (token is not null)
        {
            if (!ProviderKey.Algorithms.Contains(token.Algorithm)) throw new InvalidOperationException("an algorithm that is not on the list was taken");
            foreach (var key in keys ?? []) _ = token.IsSignedBy(key);
            _ = token.Check(new("https://id.example.org", "signet", "n", "a", TimeSpan.FromMinutes(1)), Now);
        }
        foreach (var key in keys ?? []) key.Dispose();
    }
}

/// <summary>The target over its seeds and their mutations.</summary>
public sealed class ProviderFuzzSpecs
{
    private static readonly string[] Seeds =
    [
        """{"issuer":"https://id.example.org","authorization_endpoint":"https://id.example.org/a","token_endpoint":"https://id.example.org/t","jwks_uri":"https://id.example.org/k","token_endpoint_auth_methods_supported":["client_secret_post"]}""",
        """{"keys":[{"kty":"EC","crv":"P-256","kid":"k","use":"sig","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},{"kty":"RSA","n":"AQAB","e":"AQAB","key_ops":["verify"]}]}""",
        Token("""{"alg":"ES256","kid":"k"}""", """{"iss":"https://id.example.org","aud":["signet"],"exp":1772367000,"iat":1772366400,"nonce":"n","sub":"1","auth_time":1.5,"at_hash":"x"}"""),
        Token("""{"alg":"none"}""", "{}"), Token("""{"alg":"RS256","alg":"ES256"}""", """{"exp":1e400}"""), "a.b.c", "..", "", "{\"keys\":[{}]}", "{\"issuer\":\"\\ud800\"}",
    ];

    [Fact]
    public void The_target_holds_on_its_seeds_and_their_mutations()
    {
        ProviderMetadata.Read(Encoding.UTF8.GetBytes(Seeds[0]), "https://id.example.org")!.TakesBasic.ShouldBeFalse();
        ProviderKey.ReadSet(Encoding.UTF8.GetBytes(Seeds[1]))!.Count.ShouldBe(1);
        IdToken.Read(Seeds[2]).Token!.KeyId.ShouldBe("k");
        IdToken.Read(Seeds[3]).Why.ShouldBe(ProviderRefusal.AlgorithmNotAllowed);
        IdToken.Read(Seeds[4]).Why.ShouldBe(ProviderRefusal.Malformed, "a member twice");
        var seeds = Seeds.Select(Encoding.UTF8.GetBytes).ToList();
        Mutations.Run(seeds, ProviderTarget.Fuzz);
    }

    private static string Token(string header, string claims) => $"{Part(header)}.{Part(claims)}.{Part("s")}";

    private static string Part(string text) => System.Buffers.Text.Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
}
