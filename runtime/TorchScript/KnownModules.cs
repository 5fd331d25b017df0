using System.Text.Json;
using ChannelDistillation.Core;
using ChannelDistillation.Specs;

namespace ChannelDistillation.TorchScript;

/// <summary>
/// Paths of the Python networks that this project's experiments have trained, by content. `evaluate` runs only these:
/// a results folder alone cannot cause code to run.
/// </summary>
public static class KnownModules
{
    /// <summary>Records a file that an experiment uses. If nothing can be written, `evaluate` asks for the file.</summary>
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

    /// <summary>The file with this content; null if none is known, or it no longer exists.</summary>
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
