using System.Text.Json;
using ChannelDistillation.Core;
using ChannelDistillation.Specs;

namespace ChannelDistillation.TorchScript;

/// <summary>
/// Where the networks from Python are that experiments of this project have trained, by their content. `evaluate` runs these and no others: a
/// folder of results alone makes nothing run.
/// </summary>
public static class KnownModules
{
    /// <summary>Remembers a file that an experiment names. Where nothing can be written, `evaluate` asks for it.</summary>
    public static void Note(TorchScriptFile file, Workspace workspace)
    {
        try
        {
            string note = NoteOf(file.Sha256, workspace);
            if (!File.Exists(note))
                AtomicFile.WriteText(note, JsonSerializer.Serialize(file, RecordJson.Pretty) + "\n");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException) { }
    }

    /// <summary>The file of this content; null: none is known, or it is no longer there.</summary>
    public static TorchScriptFile? Find(string sha256, Workspace workspace)
    {
        try
        {
            string note = NoteOf(sha256, workspace);
            var file = JsonSerializer.Deserialize<TorchScriptFile>(InputFile.ReadAll(note, FileLimits.ListBytes), RecordJson.Line);
            return file?.Sha256 == sha256 && Archive.Read(file.Path, file.Name).File.Sha256 == sha256 ? file : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException or InvalidDataException)
        {
            return null;
        }
    }

    private static string NoteOf(string sha256, Workspace workspace) => Path.Combine(workspace.Cache, "torchscript", sha256[..16] + ".json");
}
