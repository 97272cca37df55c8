using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Logging;
using Signet.Access;
using Signet.Web;

namespace Signet.Browser;

/// <summary>A provider that does everything right until a test tells it not to. It lets everybody in as <see cref="Subject"/> without asking.</summary>
public sealed class HostileProvider : IAsyncDisposable
{
    public const string ClientId = "signet-console", Secret = "s3cret of the client / with signs";
    private readonly WebApplication application;
    private readonly ConcurrentDictionary<string, (string Nonce, string Challenge)> codes = new();

    private HostileProvider(WebApplication application) => this.application = application;

    public string Issuer { get; private set; } = "";
    public RSA Rsa { get; } = RSA.Create(2048);
    public ECDsa Curve { get; } = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public string Subject { get; set; } = "alice-1";
    public string Algorithm { get; set; } = "ES256";
    public Action<JsonObject> Document { get; set; } = _ => { };
    public Action<JsonObject> Header { get; set; } = _ => { };
    public Action<JsonObject> Claims { get; set; } = _ => { };
    public Action<Dictionary<string, string?>> Answer { get; set; } = _ => { };
    public Action<JsonObject> Tokens { get; set; } = _ => { };

    /// <summary>Signs instead of the right key.</summary>
    public Func<byte[], byte[]>? Sign { get; set; }
    public Func<string>? Keys { get; set; }
    public Func<JsonObject>? UserInfo { get; set; }
    public int TokenStatus { get; set; } = 200;
    public int KeysAsked { get; private set; }
    public string LastQuery { get; private set; } = "";
    public string? LastSecret { get; private set; }

    public ProviderOptions Options => new()
    {
        Issuer = Issuer, ClientId = ClientId, ClientSecret = Secret, Name = "Example ID", NewAccounts = true, RoleClaim = "realm_access.roles", FactorAmr = ["mfa"],
        Roles = new Dictionary<string, Role> { ["signet-admin"] = Role.Admin, ["signet-operator"] = Role.Operator, ["signet-viewer"] = Role.Viewer },
    };

    public static async Task<HostileProvider> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var provider = new HostileProvider(builder.Build());
        provider.application.MapGet("/.well-known/openid-configuration", provider.DescribeAsync);
        provider.application.MapGet("/jwks", provider.KeysAsync);
        provider.application.MapGet("/authorize", (Delegate)provider.Authorize);
        provider.application.MapPost("/token", provider.TokenAsync);
        provider.application.MapGet("/userinfo", (HttpContext context) => context.Response.WriteAsync((provider.UserInfo?.Invoke() ?? []).ToJsonString()));
        await provider.application.StartAsync();
        provider.Issuer = provider.application.Urls.First();
        return provider;
    }

    private Task DescribeAsync(HttpContext context)
    {
        var document = new JsonObject
        {
            ["issuer"] = Issuer, ["authorization_endpoint"] = Issuer + "/authorize", ["token_endpoint"] = Issuer + "/token", ["jwks_uri"] = Issuer + "/jwks",
            ["authorization_response_iss_parameter_supported"] = true, ["token_endpoint_auth_methods_supported"] = new JsonArray("client_secret_basic"),
        };
        Document(document);
        return context.Response.WriteAsync(document.ToJsonString());
    }

    private Task KeysAsync(HttpContext context)
    {
        KeysAsked++;
        return context.Response.WriteAsync(Keys?.Invoke() ?? KeysOf(Rsa, Curve));
    }

    public static string KeysOf(RSA rsa, ECDsa curve)
    {
        var (r, c) = (rsa.ExportParameters(false), curve.ExportParameters(false));
        return new JsonObject
        {
            ["keys"] = new JsonArray(
                new JsonObject { ["kty"] = "RSA", ["kid"] = "rsa", ["use"] = "sig", ["n"] = Base64Url.EncodeToString(r.Modulus), ["e"] = Base64Url.EncodeToString(r.Exponent) },
                new JsonObject { ["kty"] = "EC", ["crv"] = "P-256", ["kid"] = "ec", ["use"] = "sig", ["x"] = Base64Url.EncodeToString(c.Q.X), ["y"] = Base64Url.EncodeToString(c.Q.Y) }),
        }.ToJsonString();
    }

    private IResult Authorize(HttpContext context)
    {
        LastQuery = context.Request.QueryString.Value!;
        var asked = context.Request.Query;
        var code = Guid.NewGuid().ToString("N");
        codes[code] = (asked["nonce"]!, asked["code_challenge"]!);
        var answer = new Dictionary<string, string?> { ["code"] = code, ["state"] = asked["state"], ["iss"] = Issuer };
        Answer(answer);
        return Results.Redirect(QueryHelpers.AddQueryString(asked["redirect_uri"]!, answer));
    }

    private async Task TokenAsync(HttpContext context)
    {
        var form = await context.Request.ReadFormAsync();
        LastSecret = context.Request.Headers.Authorization.ToString() is { Length: > 6 } header ? Encoding.UTF8.GetString(Convert.FromBase64String(header[6..])) : form["client_secret"].ToString();
        // A provider that does its part: an unknown code, or a verifier that does not fit, gets nothing.
        if (TokenStatus != 200 || !codes.TryRemove(form["code"]!, out var asked) || Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(form["code_verifier"]!))) != asked.Challenge)
        {
            context.Response.StatusCode = TokenStatus == 200 ? 400 : TokenStatus;
            await context.Response.WriteAsync("""{"error":"invalid_grant"}""");
            return;
        }
        var access = Guid.NewGuid().ToString("N");
        var tokens = new JsonObject { ["access_token"] = access, ["token_type"] = "Bearer", ["id_token"] = IdTokenOf(asked.Nonce, access) };
        Tokens(tokens);
        await context.Response.WriteAsync(tokens.ToJsonString());
    }

    public string IdTokenOf(string nonce, string access)
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var header = new JsonObject { ["alg"] = Algorithm, ["kid"] = Algorithm == "ES256" ? "ec" : "rsa", ["typ"] = "JWT" };
        Header(header);
        var claims = new JsonObject
        {
            ["iss"] = Issuer, ["sub"] = Subject, ["aud"] = ClientId, ["exp"] = now + 300, ["iat"] = now, ["nonce"] = nonce, ["auth_time"] = now, ["preferred_username"] = "Alice",
            ["realm_access"] = new JsonObject { ["roles"] = new JsonArray("signet-operator") }, ["at_hash"] = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(access)).AsSpan(0, 16)),
        };
        Claims(claims);
        var signed = $"{Part(header)}.{Part(claims)}";
        var bytes = Encoding.ASCII.GetBytes(signed);
        return $"{signed}.{Base64Url.EncodeToString((Sign ?? Right)(bytes))}";
    }

    private byte[] Right(byte[] bytes) => Algorithm switch
    {
        "ES256" => Curve.SignData(bytes, HashAlgorithmName.SHA256),
        "PS256" => Rsa.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pss),
        _ => Rsa.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
    };

    private static string Part(JsonObject part) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(part.ToJsonString()));

    public async ValueTask DisposeAsync()
    {
        await application.StopAsync();
        await application.DisposeAsync();
        Rsa.Dispose();
        Curve.Dispose();
    }
}
