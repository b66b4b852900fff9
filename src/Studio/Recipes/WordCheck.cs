using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Editing.TextualInversion;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Recipes;

/// <summary>Checks the words of a recipe before it is queued. That needs the tokenizer of its model, but not the model.</summary>
internal static class WordCheck
{
    /// <param name="recipe">The recipe, whose numbers and names are valid.</param>
    /// <param name="find">Finds a version by id.</param>
    /// <param name="tokenizerFor">Gives the tokenizer of a recipe's model; null if it is unknown, and nothing is checked.</param>
    /// <exception cref="InvalidInputException">A word is missing from the prompts, or the prompts do not fit each other.</exception>
    public static void Require(Recipe recipe, Func<string, PictureVersion> find, Func<RootRecipe, ClipTokenizer?> tokenizerFor)
    {
        switch (recipe)
        {
            case EditedRecipe edited when tokenizerFor(edited.Root(find)) is { } tokenizer:
                EditWords.RequireWords(tokenizer, find(edited.Source).Recipe.Prompt, edited.Request(null), new PromptChunks(tokenizer, find).Of(edited));
                break;
            case LearnedRecipe learned when tokenizerFor(learned) is { } tokenizer:
                _ = PlaceholderWord.InitialToken(tokenizer, learned.Settings());
                break;
        }
    }
}
