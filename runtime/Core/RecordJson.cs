using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ChannelDistillation.Core;

/// <summary>
/// The JSON of run records: snake_case, enums as strings, NaN and infinity as strings. Reading requires every property that has
/// no default, and accepts null only where the record does: an incomplete record counts as damaged.
/// </summary>
public static class RecordJson
{
    public static JsonSerializerOptions Line { get; } = Options(indented: false);

    public static JsonSerializerOptions Pretty { get; } = Options(indented: true);

    private static JsonSerializerOptions Options(bool indented) =>
        new()
        {
            PropertyNamingPolicy = RecordNames.Instance,
            WriteIndented = indented,
            Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false) },
            RespectRequiredConstructorParameters = true,
            RespectNullableAnnotations = true,
            NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        };

    /// <summary>Snake case with the spelling of numbered names in the output contract: `top1_error`, not `top1error` or `top_1_error`.</summary>
    private sealed class RecordNames : JsonNamingPolicy
    {
        public static RecordNames Instance { get; } = new();

        public override string ConvertName(string name) =>
            string.Concat(name.Select((letter, i) => char.IsUpper(letter) ? (i == 0 ? "" : "_") + char.ToLowerInvariant(letter) : letter.ToString()));
    }
}
