using System.Text.Json;
using System.Text.Json.Nodes;

namespace ChannelDistillation.Runs;

/// <summary>Reads run.json, and accepts it only if everything that this program reads from it has the type that it writes.</summary>
internal static class RunJson
{
    private static readonly JsonDocumentOptions EachOnce = new() { AllowDuplicateProperties = false };

    /// <returns>Null if the file is damaged.</returns>
    public static JsonObject? Parse(string text)
    {
        try
        {
            return JsonNode.Parse(text, documentOptions: EachOnce) is JsonObject run && IsText(text, run) && IsRun(run) ? run : null;
        }
        // The second exception: a string with unpaired surrogates.
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Reads every string: an escape sequence may be an unpaired surrogate, which is found only then.</summary>
    private static bool IsText(string text, JsonNode? node) =>
        !text.Contains("\\u", StringComparison.Ordinal)
        || node switch
        {
            JsonObject entries => entries.All(entry => IsText(text, entry.Value)),
            JsonArray items => items.All(item => IsText(text, item)),
            JsonValue value when value.GetValueKind() == JsonValueKind.String => value.GetValue<string>() is not null,
            _ => true,
        };

    private static bool IsRun(JsonObject run) =>
        Each(run, JsonValueKind.String, "run", "hash", "teacher_sha256", "images_xxh3", "started", "ended", "result_xxh128")
        && Each(run, JsonValueKind.Object, "spec", "software", "hardware")
        && Each(run, JsonValueKind.Array, "sessions")
        && HasCode(run)
        && (run["sessions"] as JsonArray ?? []).All(session => session is JsonObject entry && IsSession(entry));

    private static bool IsSession(JsonObject session) =>
        new[] { "epoch", "step" }.All(name => session[name] is not JsonNode place || (place is JsonValue value && value.TryGetValue(out int _)))
        && Each(session, JsonValueKind.Object, "software", "hardware")
        && HasCode(session);

    /// <summary>Whether the hashes of the code are text, if there are any.</summary>
    private static bool HasCode(JsonObject node) =>
        Machine.CodeOf(node["software"]) is not JsonNode code
        || (code is JsonObject parts && parts.All(part => part.Value?.GetValueKind() == JsonValueKind.String));

    /// <summary>Whether each of these entries has a kind, or is absent: earlier versions wrote fewer.</summary>
    private static bool Each(JsonObject node, JsonValueKind kind, params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (node[name] is JsonNode value && value.GetValueKind() != kind)
                return false;
        }
        return true;
    }
}
