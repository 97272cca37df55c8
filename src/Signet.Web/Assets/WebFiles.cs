using System.Collections.Frozen;
using System.IO.Compression;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Signet.Web.Assets;

/// <summary>The console's scripts, styles and pictures, read once from <c>wwwroot</c> beside the program and served under a name that changes with
/// their content: a browser may keep them for good.</summary>
public sealed class WebFiles
{
    private const string Prefix = "/assets/";
    private const string Forever = "public, max-age=31536000, immutable";
    private const string Revalidate = "no-cache";
    private static readonly FrozenDictionary<string, string> Types = new Dictionary<string, string>
    {
        [".css"] = "text/css; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".svg"] = "image/svg+xml",
        [".png"] = "image/png",
    }.ToFrozenDictionary();

    private readonly FrozenDictionary<string, WebFile> files;

    private WebFiles(FrozenDictionary<string, WebFile> files) => this.files = files;

    /// <exception cref="WebConsoleException">The folder or one of the npm libraries is missing.</exception>
    public static WebFiles Load(string root)
    {
        if (!File.Exists(Path.Combine(root, "lib", "htmx.min.js")))
            throw new WebConsoleException($"the web pages' files are missing in {root}: build again (Node.js 20 or newer is needed once)");
        return new(Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories)
            .Where(path => Types.ContainsKey(Path.GetExtension(path)))
            .Select(path => new WebFile(Path.GetRelativePath(root, path).Replace('\\', '/'), File.ReadAllBytes(path), Types[Path.GetExtension(path)]))
            .ToFrozenDictionary(file => file.Name, StringComparer.Ordinal));
    }

    public static bool IsFile(PathString path) => path.StartsWithSegments(Prefix.TrimEnd('/'));

    /// <summary>Address of a file with its fingerprint, for links in pages.</summary>
    /// <exception cref="KeyNotFoundException">A page links a file that is not there.</exception>
    public string Url(string name) => $"{Prefix}{name}?v={files[name].Fingerprint}";

    public IEndpointConventionBuilder Map(IEndpointRouteBuilder routes)
        => routes.MapMethods(Prefix + "{**name}", [HttpMethods.Get, HttpMethods.Head], (string name, HttpContext context) => ServeAsync(name, context));

    private async Task ServeAsync(string name, HttpContext context)
    {
        var response = context.Response;
        if (!files.TryGetValue(name, out var file))
        {
            response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }
        response.Headers.CacheControl = context.Request.Query["v"] == file.Fingerprint ? Forever : Revalidate;
        response.Headers.ETag = file.ETag;
        response.Headers.Vary = "Accept-Encoding";
        if (context.Request.Headers.IfNoneMatch.ToString().Contains(file.ETag, StringComparison.Ordinal))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }
        // Compression is safe here and only here: nothing secret is in these files, so their compressed size tells nothing (BREACH).
        var brotli = context.Request.Headers.AcceptEncoding.ToString().Contains("br", StringComparison.Ordinal);
        var body = brotli ? file.Brotli : file.Plain;
        if (brotli) response.Headers.ContentEncoding = "br";
        response.ContentType = file.ContentType;
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method)) await response.Body.WriteAsync(body, context.RequestAborted);
    }

    private sealed class WebFile(string name, byte[] plain, string contentType)
    {
        private readonly Lazy<byte[]> brotli = new(() => Compress(plain));

        public string Name => name;
        public byte[] Plain => plain;
        public byte[] Brotli => brotli.Value;
        public string ContentType => contentType;
        public string Fingerprint { get; } = Convert.ToHexStringLower(SHA256.HashData(plain).AsSpan(0, 8));
        public string ETag => $"\"{Fingerprint}\"";

        private static byte[] Compress(byte[] content)
        {
            using var target = new MemoryStream();
            using (var stream = new BrotliStream(target, CompressionLevel.Optimal)) stream.Write(content);
            return target.ToArray();
        }
    }
}
